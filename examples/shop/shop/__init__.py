"""The shop: the reference application, five services that can run as one process or as many.

    catalog        what is for sale                  needs nothing
    wallet         customers' money                  needs nothing
    inventory      what is in stock                  needs nothing
    notification   messages to customers             needs nothing
    orders         placing and following orders      needs catalog, inventory, wallet, notification

Each service is a package: `contract.py` is the only module that others may import, `service.py` implements it over a
database of its own whose tables are in `schema/`.
"""

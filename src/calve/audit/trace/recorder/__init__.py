"""What runs inside of the audited project's processes: standard library only, any Python since 3.9.

    sql         text of a statement -> names that may be tables, read and written
    record      transactions and requests of this process, and the file they are written to
    hooks       waits for Django, SQLAlchemy and Starlette to be imported
    django, sqlalchemy, starlette     what is listened to in each

It must not change what the project does: nothing here raises into it, and nothing is imported that it did not import.
"""

"""What an audit says, as one document, and its shapes: a terminal screen, a file of HTML, JSON."""

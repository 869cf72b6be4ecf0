"""One script for each page, run by `st.navigation`; what two of them need is in a module above."""

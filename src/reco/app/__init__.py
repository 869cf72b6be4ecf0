"""The web application: thin Streamlit pages over the core. The core never imports it.

`main` is the ASGI entry point, `script` runs at each interaction, and `views/` has one file per page.
Streamlit puts the folder of `main` on the import path, so no module here may have the name of a library.
"""

"""The web application: thin Streamlit pages over the core. Nothing in the core imports it.

`main` is the server, `script` what runs for each visitor, `views/` one file for each page. The folder of
`main` is on the import path while it is served, so no module here may have a library's name.
"""

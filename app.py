"""Entry point of the web application: `python app.py` is `reco app`; any ASGI server takes `app:app`."""

import sys

import streamlit as st

from reco.app.server import parts

app = st.App(**parts())

if __name__ == "__main__":
    from reco.cli.main import main

    main(["app", *sys.argv[1:]])

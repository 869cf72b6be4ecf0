"""The web application object, for `streamlit run` and any ASGI server."""

import streamlit as st

from reco.app.server import parts

app = st.App(**parts())

"""The web application, as `streamlit run` and any ASGI server take it."""

import streamlit as st

from reco.app.server import parts

app = st.App(**parts())

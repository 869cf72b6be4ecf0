"""The pages: one script each, run by `st.navigation`. `reco.app.widgets` has what several pages draw."""

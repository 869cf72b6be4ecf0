"""Start the pages: `streamlit run app.py`, or `reco app`."""

from reco.app.main import main

main()

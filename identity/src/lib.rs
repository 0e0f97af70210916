//! DIDs, keys, credentials, presentations, status lists and their QR form.

//! Issues resident credentials over OpenID4VCI and keeps their status.

//! Azurite's opinion: the same requests to both, and the same answers.

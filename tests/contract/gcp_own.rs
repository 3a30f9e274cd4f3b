//! What only Google Cloud promises.

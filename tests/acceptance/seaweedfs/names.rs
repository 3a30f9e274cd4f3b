//! Names and paths with everything that they may hold.

use super::Stage;
use crate::minio::names::odd_names_and_paths;

#[test]
fn odd_names_and_paths_work() {
    odd_names_and_paths(&Stage::new("odd"));
}

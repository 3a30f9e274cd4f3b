//! The clouds that stages are made for, one file each.

mod aws;
mod azure;
mod azure_behind;
mod gcp;
mod s3_compatible;

use simulator::wandb::{Config, Instance};

use super::stage::{API_KEY, Stage};

pub use aws::{ACCOUNT, Aws, WANDB};
pub use azure::{Azure, AzureLogin, GROUP};
pub use gcp::{ADMIN, DEPLOY, Gcp, GoogleLogin, PROJECT};
pub use s3_compatible::{Minio, S3Compatible, SeaweedFs};

/// What a stage has to know of a cloud. What the cloud's server can be asked comes on
/// top, as methods of a stage on that cloud.
pub trait Cloud: Sized {
    /// The name of its block, in the provider's and in the bucket's.
    const BLOCK: &'static str;
    /// Where buckets are: what its block of the provider says in most tests.
    const PLACE: &'static str = "";

    /// Where a server is, and how to get in.
    type Login: Clone;

    /// The server that all tests share.
    fn login() -> Self::Login;

    /// Who asks, and where: what its block of the provider says in every test.
    fn access(login: &Self::Login) -> String;

    /// Where W&B is, and whom to trust: what the provider's block says in every test.
    fn deployment(login: &Self::Login, wandb: &Instance) -> String;

    /// What its block of the bucket of this name says in every test.
    fn usual(_: &str) -> String {
        String::new()
    }

    /// Whether a bucket of this name is there, by an independent look.
    fn is_there(stage: &Stage<Self>, bucket: &str) -> bool;

    /// Removes all objects and versions of a bucket.
    fn clean_up(stage: &Stage<Self>, bucket: &str);

    /// What the examples ask for, by the names of their variables.
    fn variables(login: &Self::Login) -> Vec<(&'static str, String)>;

    /// The simulated W&B instance of most tests.
    fn instance() -> Config {
        Config {
            api_key: API_KEY.to_owned(),
            ..Config::default()
        }
    }
}

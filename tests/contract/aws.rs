//! AWS as the cloud under test; its side door is that of every server with Amazon's S3.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::clouds::aws;

/// In a region where Amazon refuses to make a bucket twice: in us-east-1 it is success.
pub fn open(endpoint: Url, key: &AccessKey, stop: &CancellationToken) -> Arc<dyn Cloud> {
    let clients = aws::Clients::new(aws::Settings {
        region: "eu-west-1".to_owned(),
        source: aws::Source {
            keys: Some((
                key.id.clone(),
                SecretString::from(key.expose_secret()),
                None,
            )),
            ..aws::Source::default()
        },
        allowed_account_ids: BTreeSet::new(),
        endpoints: aws::Endpoints {
            s3: Some(endpoint.clone()),
            kms: Some(endpoint.clone()),
            iam: Some(endpoint.clone()),
            sts: Some(endpoint),
        },
        path_style: true,
        ca_bundle: None,
        max_retries: 2,
    });
    aws::open(&Arc::new(clients.expect("good settings")), stop.clone())
}

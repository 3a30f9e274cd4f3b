//! Asks IAM's own simulator what the caller may do.

use crate::byob::CloudError;
use crate::byob::cloud::{CallerPermission, Intent};
use crate::byob::identity::Identity;
use crate::byob::marker::Generation;
use crate::byob::rights::Rights;
use crate::clouds::retry::{Patience, Work};
use crate::clouds::s3::{Dialect, S3};

use super::Aws;

/// The calls that make a bucket and set it up.
const BUCKET_CALLS: [&str; 8] = [
    "s3:CreateBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketCORS",
    "s3:PutBucketPolicy",
    "s3:PutBucketTagging",
];
/// The call that tries it.
const PROBE_CALL: &str = "s3:PutObject";
/// The calls that make W&B's user and its key.
const USER_CALLS: [&str; 4] = [
    "iam:CreateUser",
    "iam:TagUser",
    "iam:PutUserPolicy",
    "iam:CreateAccessKey",
];
/// The calls that make a key.
const KEY_CALLS: [&str; 4] = [
    "kms:CreateKey",
    "kms:CreateAlias",
    "kms:TagResource",
    "kms:EnableKeyRotation",
];

/// Whether the caller may make the bucket and its key, as far as IAM's own simulator tells. It
/// weighs the policies of the caller alone: a bucket's policy, an organization's, and
/// conditions it does not see, so its word is never more than a warning.
pub(super) async fn permissions(
    cloud: &Aws,
    bucket: &str,
    intent: Intent<'_>,
) -> Vec<CallerPermission> {
    let whole = format!("arn:{}:s3:::{bucket}", cloud.clients.partition());
    let mut calls = BUCKET_CALLS.to_vec();
    let mut resources = vec![whole.clone(), format!("{whole}/*")];
    if intent.probes {
        calls.push(PROBE_CALL);
    }
    if intent.key.is_some_and(|key| key.name.is_none()) {
        calls.extend(KEY_CALLS);
        // The key has no name yet.
        resources.push("*".to_owned());
    }
    let user = intent.makes_identity.then(|| name_of_user(bucket));
    if user.is_some() {
        calls.extend(USER_CALLS);
    }
    let answers = match ask(cloud, &calls, resources, user).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::debug!(%error, "the caller's permissions are not known");
            Vec::new()
        }
    };
    let permission = |call: &'static str| {
        let of_call = answers.iter().filter(|(name, _)| name == call);
        let verdicts: Vec<bool> = of_call.map(|(_, allowed)| *allowed).collect();
        CallerPermission {
            call,
            // Most of the resources are not what the call is about.
            allowed: (!verdicts.is_empty()).then(|| verdicts.contains(&true)),
        }
    };
    calls.into_iter().map(permission).collect()
}

async fn ask(
    cloud: &Aws,
    calls: &[&str],
    mut resources: Vec<String>,
    user: Option<String>,
) -> Result<Vec<(String, bool)>, CloudError> {
    let caller = cloud.clients.caller(&cloud.s3).await?;
    let partition = cloud.clients.partition();
    resources
        .extend(user.map(|user| format!("arn:{partition}:iam::{}:user/{user}", caller.account)));
    let source = principal(&caller.arn);
    let iam = cloud.clients.iam();
    // Asked once: not to know is an answer as well, and nobody waits for it.
    let patience = Patience::new(0, cloud.stop.clone());
    let answer = S3::new(cloud.clients.s3(), patience, Dialect::Amazon)
        .sdk(
            Work::Read,
            "iam:SimulatePrincipalPolicy",
            &caller.arn,
            || {
                iam.simulate_principal_policy()
                    .policy_source_arn(&source)
                    .set_action_names(Some(calls.iter().map(|call| (*call).to_owned()).collect()))
                    .set_resource_arns(Some(resources.clone()))
                    .send()
            },
        )
        .await?;
    Ok(answer
        .evaluation_results()
        .iter()
        .map(|result| {
            let allowed = result.eval_decision().as_str() == "allowed";
            (result.eval_action_name().to_owned(), allowed)
        })
        .collect())
}

/// What W&B's user is going to be called, but for the generation, which is not drawn yet.
fn name_of_user(bucket: &str) -> String {
    let generation = Generation::nobodys();
    Identity::for_bucket(bucket, Rights::default(), &generation).name
}

/// The role behind a session, which is what the simulator knows.
fn principal(caller: &str) -> String {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "sts", _, account, session] => {
            match session.split('/').collect::<Vec<_>>()[..] {
                ["assumed-role", role, ..] => format!("arn:{partition}:iam::{account}:role/{role}"),
                _ => caller.to_owned(),
            }
        }
        _ => caller.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::principal;

    #[test]
    fn a_session_stands_for_its_role() {
        assert_eq!(
            principal("arn:aws:sts::123456789012:assumed-role/deploy/me"),
            "arn:aws:iam::123456789012:role/deploy"
        );
        let user = "arn:aws:iam::123456789012:user/jane";
        assert_eq!(principal(user), user);
    }
}

//! The statements of a bucket's policy that are ours: W&B's rights, and the refusal of
//! plain HTTP. What the clouds spell differently is in [`Language`]; other people's
//! statements survive letter by letter.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::byob::observed::{GrantState, Rule};
use crate::byob::spec::Grants;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3;
use super::error::not_set;
use super::permissions::{BUCKET_ACTIONS, OBJECT_ACTIONS};
use super::policy::{self, Document, WANDB_SID};
use super::read::{self, Found};

/// The id of a bucket's policy.
const DOCUMENT_ID: &str = "WandBAccess";
/// The statement that refuses plain HTTP.
pub const HTTPS_SID: &str = "WAndBDenyInsecureTransport";

/// How a cloud spells the statements.
#[derive(Clone, Copy, Debug)]
pub(in crate::clouds) struct Language<'a> {
    /// The kind of W&B's principals, for example `AWS`.
    pub(in crate::clouds) principal: &'static str,
    /// The partition in ARNs.
    pub(in crate::clouds) partition: &'a str,
}

/// Our statements, each with its id.
fn ours(language: Language<'_>, grants: &Grants) -> [(&'static str, Option<Value>); 2] {
    let whole = policy::bucket_arn(language.partition, &grants.rights.bucket);
    let objects = policy::objects(language.partition, &grants.rights);
    let actions: BTreeSet<&str> = BUCKET_ACTIONS.into_iter().chain(OBJECT_ACTIONS).collect();
    let wandb = (!grants.principals.is_empty()).then(|| {
        json!({
            "Sid": WANDB_SID,
            "Effect": "Allow",
            "Principal": {language.principal: grants.principals},
            "Action": actions,
            "Resource": [whole, objects],
        })
    });
    let https = grants.https_only.then(|| {
        json!({
            "Sid": HTTPS_SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [whole, format!("{whole}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        })
    });
    [(WANDB_SID, wandb), (HTTPS_SID, https)]
}

fn is_ours(statement: &Value) -> bool {
    [WANDB_SID, HTTPS_SID].contains(&policy::sid(statement))
}

/// What `found` says compared with what `grants` want of it.
pub(in crate::clouds) fn state(
    language: Language<'_>,
    grants: Option<&Grants>,
    found: &Document,
) -> GrantState {
    let foreign = Document {
        id: None,
        statements: found
            .statements
            .iter()
            .filter(|statement| !is_ours(statement))
            .cloned()
            .collect(),
    };
    let [wandb, https_only] = match grants {
        None => [Rule::AsWanted, Rule::AsWanted],
        Some(grants) => ours(language, grants)
            .map(|(id, wanted)| policy::compared_statement(wanted.as_ref(), found, id)),
    };
    let statement = found
        .statements
        .iter()
        .find(|statement| policy::sid(statement) == WANDB_SID);
    GrantState {
        roles: BTreeSet::new(),
        wandb,
        https_only,
        public: found.public_statements(),
        foreign: foreign.names(),
        principals: statement.map_or_else(Vec::new, |one| principals(one, language.principal)),
        path: statement.and_then(path_below),
    }
}

/// The principals of one kind that a statement names.
pub(in crate::clouds) fn principals(statement: &Value, kind: &str) -> Vec<String> {
    texts(statement.pointer(&format!("/Principal/{kind}")))
        .map(str::to_owned)
        .collect()
}

/// The path below which a statement reaches objects; `None` for all of them.
pub(in crate::clouds) fn path_below(statement: &Value) -> Option<String> {
    texts(statement.get("Resource")).find_map(|resource| {
        let (_, rest) = resource.split_once(":::")?;
        let (_, path) = rest.split_once('/')?;
        let path = path.strip_suffix("/*")?;
        (!path.is_empty()).then(|| path.to_owned())
    })
}

/// One text, or each of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// `found` with our statements as `grants` want them; `None` when nothing is left.
fn merged(language: Language<'_>, grants: &Grants, found: &Document) -> Option<Document> {
    let foreign = found
        .statements
        .iter()
        .filter(|statement| !grants.exclusive && !is_ours(statement))
        .cloned();
    let ours = ours(language, grants)
        .into_iter()
        .filter_map(|(_, statement)| statement);
    let statements: Vec<Value> = ours.chain(foreign).collect();
    (!statements.is_empty()).then(|| Document {
        id: found.id.clone().or_else(|| Some(DOCUMENT_ID.to_owned())),
        statements,
    })
}

/// Writes our statements into the bucket's policy as it is now.
pub(in crate::clouds) async fn write(
    cloud: &S3,
    language: Language<'_>,
    grants: &Grants,
) -> Result<(), CloudError> {
    let call = "s3:PutBucketPolicy";
    let bucket = grants.rights.bucket.as_str();
    let before = current(cloud, bucket).await?;
    let client = cloud.clients.s3();
    let Some(after) = merged(language, grants, &before) else {
        if before.statements.is_empty() {
            return Ok(());
        }
        let delete = || client.delete_bucket_policy().bucket(bucket).send();
        return cloud
            .sdk(Work::Write, "s3:DeleteBucketPolicy", bucket, delete)
            .await
            .map(drop);
    };
    if let [public, ..] = &after.public_statements()[..] {
        return Err(CloudError::new(
            CloudErrorKind::Conflict,
            call,
            bucket,
            format!(
                "statement {public} of the bucket's policy lets everybody in, and a policy with such \
                 a statement cannot be written while public access is blocked"
            ),
        )
        .hint(
            "Remove that statement, or set exclusive_policy = true to remove every statement that \
             is not this resource's.",
        ));
    }
    let text = after.to_json();
    cloud
        .sdk(Work::Write, call, bucket, || {
            let put = client.put_bucket_policy().bucket(bucket);
            put.policy(&text).send()
        })
        .await
        .map(drop)
}

/// The bucket's policy now; an empty one when it has none.
async fn current(cloud: &S3, bucket: &str) -> Result<Document, CloudError> {
    let call = "s3:GetBucketPolicy";
    match read::policy(cloud, bucket).await {
        Ok(Found::Reading(reading)) => match reading.known() {
            Some(document) => Ok(document.clone()),
            None => {
                let why = reading.why_unknown();
                Err(CloudError::new(CloudErrorKind::Denied, call, bucket, why))
            }
        },
        Ok(Found::NoBucket) => Err(super::error::not_known_yet(call, bucket)),
        Err(error) if not_set(&error) => Ok(Document::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::rights::Rights;

    const AMAZON: Language<'_> = Language {
        principal: "AWS",
        partition: "aws",
    };

    fn grants() -> Grants {
        Grants {
            principals: vec!["arn:aws:iam::830241207209:root".to_owned()],
            former: BTreeSet::new(),
            rights: Rights::on("acme", None),
            https_only: true,
            exclusive: false,
        }
    }

    #[test]
    fn the_bucket_document_is_the_one_that_wandb_publishes() {
        let document = merged(AMAZON, &grants(), &Document::default()).expect("statements");
        let expected = Document::parse(
            r#"{"Version":"2012-10-17","Id":"WandBAccess","Statement":[
              {"Sid":"WAndBAccountAccess","Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":["s3:GetObject*","s3:GetEncryptionConfiguration","s3:ListBucket",
                 "s3:ListBucketMultipartUploads","s3:ListBucketVersions","s3:AbortMultipartUpload",
                 "s3:DeleteObject","s3:PutObject","s3:GetBucketCORS","s3:GetBucketLocation",
                 "s3:GetBucketVersioning"],
               "Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]},
              {"Sid":"x","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*",
               "Resource":["arn:aws:s3:::acme/*","arn:aws:s3:::acme"],
               "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#,
        )
        .expect("a literal");
        assert!(document.means_the_same(&expected));
        assert_eq!(document.id.as_deref(), Some("WandBAccess"));
    }

    #[test]
    fn other_peoples_statements_stay_unless_the_document_is_ours_alone() {
        let theirs = Document::parse(
            r#"{"Id":"Theirs","Statement":[{"Sid":"Audit","Effect":"Allow",
               "Principal":{"AWS":"111122223333"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme"},
               {"Sid":"WAndBAccountAccess","Effect":"Allow","Principal":{"AWS":"1"},"Action":"s3:*","Resource":"x"}]}"#,
        )
        .expect("a literal");
        let before = state(AMAZON, Some(&grants()), &theirs);
        assert!(matches!(before.wandb, Rule::Different(_)));
        assert_eq!(before.https_only, Rule::Missing);
        assert_eq!(before.foreign, ["Audit"]);
        let document = merged(AMAZON, &grants(), &theirs).expect("statements");
        assert_eq!(document.names(), [WANDB_SID, HTTPS_SID, "Audit"]);
        assert_eq!(document.id.as_deref(), Some("Theirs"));
        let alone = Grants {
            exclusive: true,
            ..grants()
        };
        let document = merged(AMAZON, &alone, &theirs).expect("statements");
        assert_eq!(document.names(), [WANDB_SID, HTTPS_SID]);
    }

    #[test]
    fn a_deleted_principal_is_named() {
        let found = Document::parse(
            r#"{"Statement":[{"Sid":"WAndBAccountAccess","Effect":"Allow",
               "Principal":{"AWS":["AROAEXAMPLE"]},"Action":"s3:*","Resource":"x"}]}"#,
        )
        .expect("a literal");
        let Rule::Different(what) = state(AMAZON, Some(&grants()), &found).wandb else {
            panic!("the statement says what is wanted");
        };
        assert!(what.contains("deleted (AROAEXAMPLE)"), "{what}");
    }
}

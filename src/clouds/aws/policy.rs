//! Policies of keys and of W&B's user, in Amazon's own language. Those of buckets are in
//! [`crate::clouds::s3::grants`].

use serde_json::{Value, json};

use crate::byob::observed::Rule;
use crate::byob::rights::Rights;
use crate::clouds::s3::grants::principals;
use crate::clouds::s3::policy::{self, Document, compared_statement, sid};

/// The statement of a key that gives it to its owner.
const INTERNAL_SID: &str = "Internal";
/// The statement of a key that lets W&B use it.
const EXTERNAL_SID: &str = "External";

/// What W&B does with a key.
pub const KEY_ACTIONS: [&str; 5] = [
    "kms:Decrypt",
    "kms:Describe*",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

/// The document of a key of ours.
pub fn key_document(root: &str, admins: &[String], users: &[String]) -> Document {
    let owners: Vec<&str> = std::iter::once(root)
        .chain(admins.iter().map(String::as_str))
        .collect();
    let mut statements = vec![json!({
        "Sid": INTERNAL_SID,
        "Effect": "Allow",
        "Principal": {"AWS": owners},
        "Action": "kms:*",
        "Resource": "*",
    })];
    if !users.is_empty() {
        statements.push(external(users));
    }
    Document {
        id: None,
        statements,
    }
}

/// The statement that lets W&B use a key.
fn external(users: &[String]) -> Value {
    json!({
        "Sid": EXTERNAL_SID,
        "Effect": "Allow",
        "Principal": {"AWS": users},
        "Action": KEY_ACTIONS,
        "Resource": "*",
    })
}

/// That statement as text, for people to paste.
pub fn external_text(users: &[String]) -> String {
    external(users).to_string()
}

/// What the document of a key of ours says about administrators and about W&B.
pub fn own_key_rules(
    root: &str,
    admins: &[String],
    users: &[String],
    found: &Document,
) -> (Rule, Rule) {
    let wanted = key_document(root, admins, users);
    let named = |id: &str| {
        wanted
            .statements
            .iter()
            .find(|statement| sid(statement) == id)
    };
    let strangers: Vec<String> = found
        .statements
        .iter()
        .filter(|statement| ![INTERNAL_SID, EXTERNAL_SID].contains(&sid(statement)))
        .map(|statement| format!("{:?}", sid(statement)))
        .collect();
    let admins = match compared_statement(named(INTERNAL_SID), found, INTERNAL_SID) {
        Rule::AsWanted if !strangers.is_empty() => {
            Rule::Different(format!("also the statements {}", strangers.join(", ")))
        }
        rule => rule,
    };
    (
        admins,
        compared_statement(named(EXTERNAL_SID), found, EXTERNAL_SID),
    )
}

/// Whom the document of a key of ours names as administrators besides its owner.
pub fn named_admins(root: &str, found: &Document) -> Vec<String> {
    found
        .statements
        .iter()
        .filter(|statement| sid(statement) == INTERNAL_SID)
        .flat_map(|statement| principals(statement, "AWS"))
        .filter(|principal| principal != root && !root.contains(&format!(":{principal}:")))
        .collect()
}

/// Whether a key that is not ours lets every one of `users` do what W&B does. Deny
/// statements and conditions are not weighed: nothing is promised that was not seen.
pub fn given_key_rule(users: &[String], found: &Document) -> Rule {
    let missing: Vec<String> = users
        .iter()
        .filter_map(|user| {
            let lacking: Vec<&str> = KEY_ACTIONS
                .into_iter()
                .filter(|action| !found.allows(user, action))
                .collect();
            (!lacking.is_empty()).then(|| format!("{user} lacks {}", lacking.join(", ")))
        })
        .collect();
    if missing.is_empty() {
        return Rule::AsWanted;
    }
    Rule::Different(missing.join("; "))
}

/// W&B's rights as the policy of its IAM user: the bucket, its objects, and the key.
pub fn of_user(partition: &str, rights: &Rights) -> Document {
    let mut document = policy::of_user(partition, rights);
    if let Some(key) = &rights.key {
        document.statements.push(json!({
            "Sid": "WAndBKeyUse",
            "Effect": "Allow",
            "Action": KEY_ACTIONS,
            "Resource": [key],
        }));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_key_is_judged_by_what_it_allows() {
        let user = "arn:aws:iam::830241207209:root".to_owned();
        let found = |text: &str| Document::parse(text).expect("a literal");
        let all = found(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":"kms:*","Resource":"*"}]}"#,
        );
        assert_eq!(
            given_key_rule(std::slice::from_ref(&user), &all),
            Rule::AsWanted
        );
        let less = found(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":["kms:Decrypt","kms:Describe*","kms:GenerateDataKey*","kms:re*"],"Resource":"*"},
               {"Effect":"Allow","Principal":{"AWS":"830241207209"},"Action":"kms:Encrypt",
               "Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}"#,
        );
        let rule = given_key_rule(&[user], &less);
        let Rule::Different(what) = rule else {
            panic!("{rule:?}");
        };
        assert_eq!(what, "arn:aws:iam::830241207209:root lacks kms:Encrypt");
    }

    #[test]
    fn a_key_of_ours_has_two_statements() {
        let (root, user) = (
            "arn:aws:iam::1:root",
            vec!["arn:aws:iam::2:root".to_owned()],
        );
        let document = key_document(root, &[], &user);
        assert_eq!(document.names(), ["Internal", "External"]);
        assert_eq!(
            own_key_rules(root, &[], &user, &document),
            (Rule::AsWanted, Rule::AsWanted)
        );
        let (admins, users) = own_key_rules(root, &[], &[], &document);
        assert_eq!(admins, Rule::AsWanted);
        assert!(matches!(users, Rule::Different(_)));
    }
}

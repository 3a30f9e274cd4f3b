//! Names of things in AWS, as far as their shape tells that they are wrong.

/// An ARN in its parts.
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource]
                if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Self {
                    partition,
                    service,
                    region,
                    account,
                    resource,
                })
            }
            _ => Err(format!(
                "{text:?} is no ARN, such as \"arn:aws:iam::123456789012:role/wandb\""
            )),
        }
    }
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_iam<'a>(text: &'a str, kinds: &[&str], example: &str) -> Result<Arn<'a>, String> {
    let arn = Arn::parse(text)?;
    // A kind that ends in a slash is followed by a name; others are the whole resource.
    let is_kind = kinds.iter().any(|kind| match kind.strip_suffix('/') {
        Some(_) => arn
            .resource
            .strip_prefix(kind)
            .is_some_and(|name| !name.is_empty()),
        None => arn.resource == *kind,
    });
    let is_account = is_account(arn.account) || (arn.account == "aws" && example == "policy");
    if arn.service != "iam" || !arn.region.is_empty() || !is_account || !is_kind {
        return Err(format!("{text:?} is not the ARN of a {example} in IAM"));
    }
    Ok(arn)
}

/// Why this is no principal, as the end of a sentence.
pub(super) fn check_principal(text: &str) -> Result<(), String> {
    of_iam(
        text,
        &["root", "user/", "role/"],
        "user, a role or an account's root",
    )
    .map(drop)
}

/// Why this is no role, as the end of a sentence.
pub(super) fn check_role(text: &str) -> Result<(), String> {
    of_iam(text, &["role/"], "role").map(drop)
}

/// Why this is no policy, as the end of a sentence.
pub(super) fn check_policy(text: &str) -> Result<(), String> {
    of_iam(text, &["policy/"], "policy").map(drop)
}

/// Why this is no key, as the end of a sentence.
pub(super) fn check_key(text: &str) -> Result<(), String> {
    let arn = Arn::parse(text)?;
    if arn.resource.starts_with("alias/") {
        return Err(format!(
            "{text:?} is an alias, which can be made to name another key; give the key's own ARN"
        ));
    }
    let is_key = arn
        .resource
        .strip_prefix("key/")
        .is_some_and(|id| !id.is_empty() && !id.contains('/'));
    if arn.service != "kms" || arn.region.is_empty() || !is_account(arn.account) || !is_key {
        return Err(format!(
            "{text:?} is not the ARN of a key, such as \
             \"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\""
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals() {
        for good in [
            "arn:aws:iam::830241207209:root",
            "arn:aws:iam::725579432336:role/WandbIntegration",
            "arn:aws-cn:iam::123456789012:user/path/jane",
        ] {
            assert_eq!(check_principal(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "*",
            "830241207209",
            "arn:aws:iam::12:root",
            "arn:aws:iam::830241207209:policy/x",
            "arn:aws:s3:::bucket",
            "arn:aws:iam::830241207209:role/",
            "arn:aws:iam::830241207209:rootx",
        ] {
            assert!(check_principal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_no_aliases() {
        assert_eq!(
            check_key("arn:aws:kms:us-east-1:123456789012:key/0a1b"),
            Ok(())
        );
        for bad in [
            "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
            "0a1b",
            "arn:aws:kms::123456789012:key/0a1b",
            "arn:aws:s3:us-east-1:123456789012:key/0a1b",
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }
}

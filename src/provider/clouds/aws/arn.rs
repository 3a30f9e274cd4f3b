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
                if is_partition(partition) && !service.is_empty() && !resource.is_empty() =>
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

fn is_partition(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    text.starts_with("aws") && text.bytes().all(plain)
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why this is no region of AWS, as the end of a sentence.
pub(super) fn check_region(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('-').collect();
    let plain = |part: &str| {
        let mut all = part.bytes();
        !part.is_empty() && all.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_region = match parts[..] {
        [area, .., place, number] => {
            parts.len() >= 3
                && parts.iter().all(|part| plain(part))
                && area.bytes().all(|byte| byte.is_ascii_lowercase())
                && place.bytes().all(|byte| byte.is_ascii_lowercase())
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    };
    if is_region {
        return Ok(());
    }
    Err(format!("{text:?} is no region, such as \"us-east-1\""))
}

/// What names in IAM are made of, with the slashes of their paths.
fn is_named(resource: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
    resource.chars().all(plain)
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
    let is_kind = is_kind && is_named(arn.resource);
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
        .is_some_and(|id| !id.is_empty() && !id.contains('/') && is_named(id));
    if arn.service != "kms"
        || check_region(arn.region).is_err()
        || !is_account(arn.account)
        || !is_key
    {
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
            "arn:aws:iam::830241207209:root\n",
            "arn:aws:iam::830241207209:role/a b",
            "arn:aws:iam::830241207209:role/*",
            " arn:aws:iam::830241207209:root",
            "arn:aws\n:iam::830241207209:root",
        ] {
            assert!(check_principal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regions() {
        for good in [
            "us-east-1",
            "ap-southeast-5",
            "us-gov-west-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "cn-north-1",
        ] {
            assert_eq!(check_region(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "us-east",
            "us-east-1\n",
            "US-EAST-1",
            "us-east-1a",
            "us--1",
            "abcd1234",
            "us-east-1?x",
        ] {
            assert!(check_region(bad).is_err(), "{bad}");
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
            "arn:aws:kms:us-east-1:123456789012:key/0a1b\n",
            "arn:aws:kms:us east:123456789012:key/0a1b",
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }
}

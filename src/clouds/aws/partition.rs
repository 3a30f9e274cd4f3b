//! The separate parts of AWS. An ARN names its own, and nothing reaches across.

/// A part of AWS with accounts, regions and addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// As in ARNs.
    pub name: &'static str,
    /// The end of its services' host names.
    pub suffix: &'static str,
}

const PARTITIONS: [(&str, Partition); 6] = [
    ("cn-", part("aws-cn", "amazonaws.com.cn")),
    ("us-gov-", part("aws-us-gov", "amazonaws.com")),
    ("us-isob-", part("aws-iso-b", "sc2s.sgov.gov")),
    ("us-iso-", part("aws-iso", "c2s.ic.gov")),
    ("eusc-", part("aws-eusc", "amazonaws.eu")),
    ("", part("aws", "amazonaws.com")),
];

const fn part(name: &'static str, suffix: &'static str) -> Partition {
    Partition { name, suffix }
}

/// The partition that a region is in, told by the start of its name.
pub fn of_region(region: &str) -> Partition {
    PARTITIONS
        .iter()
        .find(|(start, _)| region.starts_with(start))
        .map_or(PARTITIONS[PARTITIONS.len() - 1].1, |(_, partition)| {
            *partition
        })
}

/// The host of S3 in a region.
pub fn s3_host(region: &str) -> String {
    format!("s3.{region}.{}", of_region(region).suffix)
}

/// The ARN of an account's root, which stands for the whole account.
pub fn root_arn(partition: &str, account: &str) -> String {
    format!("arn:{partition}:iam::{account}:root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_tell_their_partition() {
        for (region, name, host) in [
            ("us-east-1", "aws", "s3.us-east-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "s3.cn-north-1.amazonaws.com.cn"),
            (
                "us-gov-west-1",
                "aws-us-gov",
                "s3.us-gov-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(of_region(region).name, name);
            assert_eq!(s3_host(region), host);
        }
    }
}

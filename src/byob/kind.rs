//! The kinds of cloud, and tables that say something about each of them.

use std::fmt;

/// The kinds of place where a bucket can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloudKind {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
    /// A server that speaks Amazon's S3 protocol: MinIO, SeaweedFS, Ceph and others.
    S3Compatible,
    /// CoreWeave AI Object Storage.
    CoreWeave,
}

impl CloudKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Aws,
        Self::Gcp,
        Self::Azure,
        Self::S3Compatible,
        Self::CoreWeave,
    ];

    /// The name of the block in a configuration, and the first part of an import id.
    pub fn block(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::S3Compatible => "s3_compatible",
            Self::CoreWeave => "coreweave",
        }
    }

    /// The name that W&B's API gives to this kind of storage.
    pub fn wandb_provider(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Gcp => "GCP",
            Self::Azure => "AZURE",
            Self::S3Compatible => "MINIO",
            Self::CoreWeave => "COREWEAVE",
        }
    }

    /// What people call it in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Gcp => "Google Cloud",
            Self::Azure => "Azure",
            Self::S3Compatible => "S3-compatible storage",
            Self::CoreWeave => "CoreWeave",
        }
    }
}

impl fmt::Display for CloudKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.title())
    }
}

/// Something about every kind of cloud. A kind that is forgotten does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerCloud<T> {
    /// Amazon Web Services.
    pub aws: T,
    /// Google Cloud.
    pub gcp: T,
    /// Microsoft Azure.
    pub azure: T,
    /// Servers that speak Amazon's S3 protocol.
    pub s3_compatible: T,
    /// CoreWeave AI Object Storage.
    pub coreweave: T,
}

impl<T> PerCloud<T> {
    /// What is said about this kind.
    pub const fn of(&self, kind: CloudKind) -> &T {
        match kind {
            CloudKind::Aws => &self.aws,
            CloudKind::Gcp => &self.gcp,
            CloudKind::Azure => &self.azure,
            CloudKind::S3Compatible => &self.s3_compatible,
            CloudKind::CoreWeave => &self.coreweave,
        }
    }
}

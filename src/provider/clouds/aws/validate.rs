//! What does not fit together in a bucket's block.

use super::arn::{Arn, check_region};
use super::block::{Arguments, WITHOUT_KEY, argument};
use crate::clouds::aws::partition;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::Field;
use crate::terraform::diagnostics::Explanation;

/// What does not fit together in a block.
pub(super) fn validate(block: &Arguments) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut wrong = |name: &str, why: String| {
        diagnostics.push(
            Explanation::new(format!("{name} does not fit the other arguments"), why)
                .at(argument(name))
                .error(),
        );
    };
    if block.sse_algorithm == Field::Known(WITHOUT_KEY.to_owned()) {
        let why = "sse_algorithm is \"AES256\", which uses no key of KMS";
        if block.kms_key_arn.known().is_some() {
            wrong("kms_key_arn", why.to_owned());
        }
        for name in about_a_made_key(block) {
            wrong(name, why.to_owned());
        }
    }
    if block.create_access_key != Field::Known(true) && !block.create_access_key.is_unknown() {
        for (name, is_set) in [
            (
                "access_key_rotation",
                block.access_key_rotation.known().is_some(),
            ),
            (
                "permissions_boundary_arn",
                block.permissions_boundary_arn.known().is_some(),
            ),
        ] {
            if is_set {
                wrong(
                    name,
                    "it is about a user that create_access_key makes, and that is off".to_owned(),
                );
            }
        }
    }
    if block.kms_key_arn.known().is_some() {
        diagnostics.extend(about_a_made_key(block).map(idle));
    }
    diagnostics.extend(check_together(block));
    diagnostics
}

/// What is said about the key that is made. The defaults say nothing; an imported bucket
/// has them written out.
fn about_a_made_key(block: &Arguments) -> impl Iterator<Item = &'static str> {
    let days = block.kms_deletion_window_days.known();
    [
        (
            "kms_key_rotation",
            block.kms_key_rotation == Field::Known(false),
        ),
        (
            "kms_deletion_window_days",
            days.is_some_and(|days| *days != 30),
        ),
        ("kms_admin_arns", block.kms_admin_arns.known().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_set)| is_set.then_some(name))
}

/// The warning about an argument beside a key that may be somebody else's.
fn idle(name: &'static str) -> Diagnostic {
    Explanation::new(
        format!("{name} does nothing to a given key"),
        "it is about the key that is made for the bucket, and kms_key_arn names one; it counts only \
         if that key was made for this very bucket",
    )
    .what_to_do(format!("Leave {name} out, or kms_key_arn."))
    .at(argument(name))
    .warning()
}

/// Whether all ARNs of a block, and its region, are of one partition, and the key in the
/// bucket's region.
pub(super) fn check_together(block: &Arguments) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    // What is no region is told as such, and fits nothing.
    let Some(region) = block
        .region
        .known()
        .filter(|text| check_region(text).is_ok())
    else {
        return diagnostics;
    };
    let own = partition::of_region(region).name;
    let mut wrong = |name: &str, why: String| {
        diagnostics.push(
            Explanation::new(format!("{name} does not fit the region"), why)
                .at(argument(name))
                .error(),
        );
    };
    let sets = [
        ("wandb_principal_arns", &block.wandb_principal_arns),
        ("kms_admin_arns", &block.kms_admin_arns),
    ];
    let singles = [
        ("kms_key_arn", &block.kms_key_arn),
        ("permissions_boundary_arn", &block.permissions_boundary_arn),
    ];
    let of_sets = sets.into_iter().flat_map(|(name, set)| {
        set.known()
            .into_iter()
            .flat_map(|set| set.elements.iter())
            .filter_map(move |element| element.known().map(|text| (name, text)))
    });
    let of_singles = singles
        .into_iter()
        .filter_map(|(name, field)| field.known().map(|text| (name, text)));
    for (name, text) in of_sets.chain(of_singles) {
        if let Ok(arn) = Arn::parse(text)
            && arn.partition != own
        {
            wrong(
                name,
                format!(
                    "{text:?} is in partition {}, and {region} in {own}",
                    arn.partition
                ),
            );
        }
    }
    if let Field::Known(key) = &block.kms_key_arn
        && let Ok(arn) = Arn::parse(key)
        && arn.region != region
        && arn.partition == own
    {
        wrong(
            "kms_key_arn",
            format!("the key is in {}, and the bucket in {region}", arn.region),
        );
    }
    diagnostics
}

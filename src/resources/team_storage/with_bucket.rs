//! A team together with the bucket that it owns.

use super::existing::Begun;
use super::{TeamStorage, TeamStorageResource, bucket, instance};
use crate::resources::byob_bucket::{AWAITS_TEAM, Bucket};
use crate::sdk::prelude::*;

impl TeamStorageResource {
    /// The bucket first. Once it stands, nothing is an error any more: Terraform would
    /// replace both, and the instance would have to be told another key.
    pub(super) async fn create_with_bucket(
        &self,
        cx: &Context,
        create: Create<TeamStorage>,
        own: Bucket,
    ) -> Outcome<TeamStorage> {
        let Create {
            planned,
            config,
            private,
        } = create;
        let Field::Known(own_config) = config.byob_bucket else {
            return Outcome::gone();
        };
        let begun = Begun::Marked(cx, &self.bucket, &own);
        let checked = self.check_team(cx, &bucket::flat(&planned), begun).await;
        let (mut kept, is_there) = match checked {
            Ok(checked) => checked,
            Err(diagnostic) => return Outcome::gone().with([diagnostic]),
        };
        let part = bucket::context(cx, &planned, &kept);
        // Until its team stands the bucket is half made, for whoever comes after a crash.
        let mut private = private.part(bucket::BLOCK);
        private.set(AWAITS_TEAM, true);
        let make = Create {
            planned: own,
            config: own_config,
            private,
        };
        let made = Resource::create(&self.bucket, &part, make).await;
        kept.set_part(bucket::BLOCK, &made.private);
        let mut diagnostics: Diagnostics = bucket::placed(made.diagnostics).collect();
        let Some(own) = made.state else {
            return Outcome::gone().with(diagnostics);
        };
        let state = bucket::not_made(planned.clone(), own.clone());
        let goes_on = diagnostics.has_errors();
        if goes_on {
            if !is_there {
                return Outcome::exists(state, kept).with(diagnostics);
            }
            diagnostics = diagnostics.into_iter().map(bucket::goes_on).collect();
        }
        cx.exists(&state, &kept);
        let flat = bucket::flat(&bucket::whole(planned, Field::Known(own.clone())));
        let team = self.create_team(cx, flat, Begun::Yes).await;
        let mut part = made.private;
        // A bucket that is not finished stays half made, and due.
        if !goes_on && let Err(problems) = self.bucket.close(&own, &mut part).await {
            diagnostics.extend(bucket::placed(problems).map(bucket::not_closed));
        }
        kept.set_part(bucket::BLOCK, &part);
        let refused = team.state.is_none();
        diagnostics.extend(team.diagnostics.into_iter().map(|one| {
            if refused && one.is_error() {
                bucket::waits(&one)
            } else {
                one
            }
        }));
        match team.state {
            None => Outcome::exists(state, kept).with(diagnostics),
            Some(flat) => {
                let mut private = team.private;
                private.set_part(bucket::BLOCK, &part);
                Outcome::exists(bucket::whole(flat, Field::Known(own)), private).with(diagnostics)
            }
        }
    }

    /// Makes the bucket of a block that is new or whose bucket has vanished, or changes it.
    pub(super) async fn change_bucket(
        &self,
        cx: &Context,
        update: &Update<TeamStorage>,
        planned: Bucket,
    ) -> Outcome<Bucket> {
        let Field::Known(config) = update.config.byob_bucket.clone() else {
            return Outcome::gone();
        };
        let private = update.private.part(bucket::BLOCK);
        let part = bucket::context(cx, &update.prior, &update.private);
        match update.prior.byob_bucket.clone() {
            Field::Known(prior) => {
                let change = Update {
                    prior,
                    planned,
                    config,
                    private,
                };
                Resource::update(&self.bucket, &part, change).await
            }
            Field::Null | Field::Unknown => {
                let make = Create {
                    planned,
                    config,
                    private,
                };
                Resource::create(&self.bucket, &part, make).await
            }
        }
    }

    /// Deletes the bucket after its team. Where the team was lost elsewhere, only one that
    /// holds no object.
    pub(super) async fn delete_bucket(
        &self,
        cx: &Context,
        state: TeamStorage,
        own: Bucket,
        private: Private,
        lost_team: bool,
    ) -> Outcome<TeamStorage> {
        if lost_team {
            let part = private.part(bucket::BLOCK);
            let refused = match self.bucket.check_delete(cx, &own, &part).await {
                Ok(true) => self.bucket.holds_objects(cx, &own, &part).await,
                // What is in somebody else's is nothing of the team's.
                Ok(false) => Ok(false),
                Err(refused) => Err(refused),
            };
            match refused {
                Ok(false) => {}
                Ok(true) => {
                    let name = state.team.known().cloned().unwrap_or_default();
                    return Outcome::gone().with([bucket::spared(&name)]);
                }
                Err(refused) => {
                    return Outcome::exists(state, private).with(bucket::placed(refused));
                }
            }
        }
        let part = private.part(bucket::BLOCK);
        let gone = Resource::delete(&self.bucket, cx, own, part).await;
        let diagnostics: Vec<Diagnostic> = bucket::placed(gone.diagnostics).collect();
        let Some(own) = gone.state else {
            return Outcome::gone().with(diagnostics);
        };
        let mut private = instance::only_instance(&private);
        private.set_part(bucket::BLOCK, &gone.private);
        let state = if lost_team {
            bucket::without_team(state, own)
        } else {
            bucket::not_made(state, own)
        };
        Outcome::exists(state, private).with(diagnostics)
    }
}

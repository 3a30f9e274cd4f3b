//! The GraphQL schema, as far as teams and their storage go: names and nullability are
//! W&B's, irregular capitals included. Permissions are not modelled: the one key is an
//! administrator's.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, EmptySubscription, Enum, ID, InputObject, Json, Object, Schema,
    SimpleObject,
};
use serde_json::{Value, json};

use super::check::Candidate;
use super::faults::Severity;
use super::world::{Team, User, World, opaque};
use super::{Shared, check, groups};

/// The only organization's name.
const ORGANIZATION: &str = "acme";

/// The schema over one instance.
pub(super) fn new(shared: Arc<Shared>) -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .disable_introspection()
        .data(shared)
        .finish()
}

fn shared<'a>(context: &Context<'a>) -> &'a Shared {
    context.data_unchecked::<Arc<Shared>>()
}

/// W&B's kinds of storage.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum CloudProvider {
    Aws,
    Azure,
    Coreweave,
    Gcp,
    Minio,
}

impl CloudProvider {
    const ALL: [Self; 5] = [
        Self::Aws,
        Self::Azure,
        Self::Coreweave,
        Self::Gcp,
        Self::Minio,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "AZURE",
            Self::Coreweave => "COREWEAVE",
            Self::Gcp => "GCP",
            Self::Minio => "MINIO",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum ErrorSeverity {
    Error,
    Warn,
}

#[derive(InputObject)]
struct StorageBucketInfoInput {
    name: String,
    provider: CloudProvider,
    #[graphql(name = "kmsKeyID")]
    kms_key_id: Option<String>,
    #[graphql(name = "awsExternalID")]
    aws_external_id: Option<String>,
    #[graphql(name = "organizationID")]
    organization_id: Option<ID>,
}

#[derive(InputObject)]
struct CreateTeamInput {
    client_mutation_id: Option<String>,
    team_name: String,
    team_admin_user_name: Option<String>,
    organization_id: Option<String>,
    default_access: Option<String>,
    storage_bucket_info: Option<StorageBucketInfoInput>,
}

#[derive(SimpleObject)]
struct CreateTeamPayload {
    client_mutation_id: Option<String>,
    entity: Option<Entity>,
}

#[derive(InputObject)]
struct DeleteTeamInput {
    client_mutation_id: Option<String>,
    team_name: String,
}

#[derive(SimpleObject)]
struct DeleteTeamPayload {
    client_mutation_id: Option<String>,
    success: bool,
}

#[derive(SimpleObject)]
struct BucketStoreConnectionError {
    message: String,
    severity: ErrorSeverity,
}

#[derive(SimpleObject)]
#[graphql(name = "User")]
struct Viewer {
    id: ID,
    name: String,
    username: Option<String>,
    email: Option<String>,
    admin: Option<bool>,
    account_type: Option<String>,
    entity: Option<String>,
    organizations: Vec<Organization>,
}

/// An organization, by its number.
#[derive(Clone, Copy)]
struct Organization(u32);

#[Object]
impl Organization {
    async fn id(&self) -> ID {
        ID(opaque("Organization", self.0))
    }

    async fn name(&self) -> String {
        match self.0 {
            1 => ORGANIZATION.to_owned(),
            other => format!("{ORGANIZATION}-{other}"),
        }
    }

    async fn org_type(&self) -> &str {
        "ORGANIZATION"
    }

    async fn available(&self) -> bool {
        true
    }

    async fn teams(&self, context: &Context<'_>) -> Vec<Entity> {
        let world = shared(context).world();
        world
            .teams
            .iter()
            .filter(|team| team.organization == self.0)
            .map(|team| Entity::of_team(&world, team))
            .collect()
    }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Entity {
    id: ID,
    name: String,
    created_at: String,
    updated_at: Option<String>,
    is_team: bool,
    entity_type: Option<String>,
    available: Option<bool>,
    member_count: usize,
    members: Vec<Member>,
    organization_id: Option<ID>,
    #[graphql(skip)]
    owner: u32,
    default_access: String,
    private_only: bool,
    read_only: bool,
    code_saving_enabled: bool,
    storage_bytes: u64,
    settings: EntitySettings,
}

#[ComplexObject]
impl Entity {
    async fn organization(&self) -> Option<Organization> {
        Some(Organization(self.owner))
    }
}

#[derive(SimpleObject)]
struct Member {
    id: Option<String>,
    name: String,
    username: Option<String>,
    email: Option<String>,
    role: Option<String>,
    account_type: Option<String>,
}

#[derive(SimpleObject)]
struct EntitySettings {
    entity_profile_enabled: bool,
    members_can_invite: Option<bool>,
    storage_bucket_info: Option<StorageBucketInfo>,
}

#[derive(SimpleObject)]
struct StorageBucketInfo {
    #[graphql(name = "ID")]
    id: ID,
    name: String,
    provider: CloudProvider,
    #[graphql(name = "kmsKeyID")]
    kms_key_id: Option<String>,
    #[graphql(name = "awsExternalID")]
    aws_external_id: Option<String>,
}

#[derive(SimpleObject)]
struct ServerInfo {
    available_bucket_providers: Vec<CloudProvider>,
    secure_storage_connector_enabled: bool,
    license_flags: Vec<String>,
    has_local_license: bool,
    frontend_host: String,
    cli_version_info: Option<Json<Value>>,
    latest_local_version_info: Option<LocalVersionInfo>,
    features: Vec<Feature>,
}

#[derive(SimpleObject)]
struct LocalVersionInfo {
    out_of_date: bool,
    latest_version_string: String,
    version_on_this_instance_string: String,
}

#[derive(SimpleObject)]
struct Feature {
    name: String,
    is_enabled: bool,
}

impl Entity {
    fn of_team(world: &World, team: &Team) -> Self {
        let members: Vec<Member> = team
            .members
            .iter()
            .chain(&team.service_accounts)
            .filter_map(|id| world.user(id))
            .map(Member::of)
            .collect();
        Self {
            id: ID(team.entity_id.clone()),
            name: team.name.clone(),
            created_at: team.created.clone(),
            updated_at: Some(team.modified.clone()),
            is_team: true,
            entity_type: Some("TEAM".to_owned()),
            available: Some(false),
            member_count: members.len(),
            members,
            organization_id: Some(ID(opaque("Organization", team.organization))),
            owner: team.organization,
            default_access: "USER_WRITE".to_owned(),
            private_only: false,
            read_only: false,
            code_saving_enabled: false,
            storage_bytes: 0,
            settings: EntitySettings {
                entity_profile_enabled: true,
                members_can_invite: Some(false),
                storage_bucket_info: StorageBucketInfo::of(team),
            },
        }
    }

    /// Every person has an entity of the same name, which is no team.
    fn of_person(user: &User) -> Self {
        let team = Team {
            id: String::new(),
            entity_id: format!("{}-entity", user.id),
            storage_id: String::new(),
            name: user.user_name.clone(),
            organization: 1,
            members: Vec::new(),
            service_accounts: Vec::new(),
            storage: BTreeMap::new(),
            created: user.created.clone(),
            modified: user.created.clone(),
            version: 1,
        };
        Self {
            is_team: false,
            entity_type: Some("USER".to_owned()),
            member_count: 1,
            members: vec![Member::of(user)],
            ..Self::of_team(&World::default(), &team)
        }
    }
}

impl Member {
    fn of(user: &User) -> Self {
        let (role, account_type) = match (user.service_account, user.admin) {
            (true, _) => ("member", Some("SERVICE")),
            (false, true) => ("admin", None),
            (false, false) => ("member", None),
        };
        Self {
            id: Some(user.id.clone()),
            name: user.user_name.clone(),
            username: Some(user.user_name.clone()),
            email: (!user.service_account).then(|| user.email.clone()),
            role: Some(role.to_owned()),
            account_type: account_type.map(str::to_owned),
        }
    }
}

impl StorageBucketInfo {
    fn of(team: &Team) -> Option<Self> {
        let provider = team.storage.get("provider")?;
        Some(Self {
            id: ID(team.storage_id.clone()),
            name: team.storage.get("name")?.clone(),
            provider: CloudProvider::ALL
                .into_iter()
                .find(|one| one.name() == provider)?,
            kms_key_id: team.storage.get("kmsKeyId").cloned(),
            aws_external_id: team.storage.get("awsExternalId").cloned(),
        })
    }
}

/// What can be asked.
pub(super) struct Query;

#[Object]
impl Query {
    async fn viewer(&self, context: &Context<'_>) -> Option<Viewer> {
        let world = shared(context).world();
        let user = world.users.first()?;
        Some(Viewer {
            id: ID(user.id.clone()),
            name: user.user_name.clone(),
            username: Some(user.user_name.clone()),
            email: Some(user.email.clone()),
            admin: Some(user.admin),
            account_type: None,
            entity: Some(user.user_name.clone()),
            organizations: world.seen().into_iter().map(Organization).collect(),
        })
    }

    async fn entity(&self, context: &Context<'_>, name: Option<String>) -> Option<Entity> {
        let name = name?;
        let world = shared(context).world();
        let seen = world.seen();
        let mut visible = world
            .teams
            .iter()
            .filter(|team| seen.contains(&team.organization));
        if let Some(team) = visible.find(|team| team.name == name) {
            return Some(Entity::of_team(&world, team));
        }
        let mut people = world.users.iter().filter(|user| !user.service_account);
        people
            .find(|user| user.user_name == name)
            .map(Entity::of_person)
    }

    async fn organization(&self, id: Option<ID>, name: Option<String>) -> Option<Organization> {
        let is_ours = id.is_some_and(|id| id.0 == opaque("Organization", 1))
            || name.is_some_and(|name| name == ORGANIZATION);
        is_ours.then_some(Organization(1))
    }

    async fn server_info(&self, context: &Context<'_>) -> Option<ServerInfo> {
        let shared = shared(context);
        Some(ServerInfo {
            available_bucket_providers: CloudProvider::ALL.to_vec(),
            secure_storage_connector_enabled: true,
            license_flags: vec!["SCIM".to_owned()],
            has_local_license: true,
            frontend_host: shared.url.clone(),
            cli_version_info: Some(Json(json!({"max_cli_version": "0.30.0"}))),
            latest_local_version_info: Some(LocalVersionInfo {
                out_of_date: false,
                latest_version_string: shared.config.version.clone(),
                version_on_this_instance_string: shared.config.version.clone(),
            }),
            features: Vec::new(),
        })
    }
}

/// What can be done.
pub(super) struct Mutation;

#[Object]
impl Mutation {
    async fn test_bucket_store_connection(
        &self,
        context: &Context<'_>,
        input: StorageBucketInfoInput,
    ) -> async_graphql::Result<Vec<BucketStoreConnectionError>> {
        if let Some(id) = &input.organization_id
            && id.0 != opaque("Organization", 1)
        {
            return Err("organization not found".into());
        }
        let candidate = Candidate {
            provider: input.provider.name(),
            name: &input.name,
            path: None,
            identity: None,
        };
        let problems = check::run(shared(context), &candidate).await;
        Ok(problems
            .into_iter()
            .map(|problem| BucketStoreConnectionError {
                message: problem.message,
                severity: match problem.severity {
                    Severity::Error => ErrorSeverity::Error,
                    Severity::Warn => ErrorSeverity::Warn,
                },
            })
            .collect())
    }

    async fn create_team(
        &self,
        context: &Context<'_>,
        input: CreateTeamInput,
    ) -> async_graphql::Result<Option<CreateTeamPayload>> {
        let shared = shared(context);
        groups::check_team_name(&input.team_name).map_err(|refusal| refusal.detail)?;
        let mut storage = BTreeMap::new();
        if let Some(info) = input.storage_bucket_info {
            let provider = info.provider.name();
            storage.insert("name".to_owned(), info.name);
            storage.insert("provider".to_owned(), provider.to_owned());
            groups::refuse_unusable(shared, &storage)
                .await
                .map_err(|refusal| refusal.detail)?;
            storage.extend(info.kms_key_id.map(|key| ("kmsKeyId".to_owned(), key)));
            storage.extend(
                info.aws_external_id
                    .map(|id| ("awsExternalId".to_owned(), id)),
            );
        }
        let mut world = shared.world();
        groups::refuse_taken(&world, &input.team_name).map_err(|refusal| refusal.detail)?;
        let admin = match &input.team_admin_user_name {
            Some(name) => world.users.iter().find(|user| user.user_name == *name),
            None => world.users.first(),
        };
        let admin = admin.map(|user| user.id.clone()).ok_or("user not found")?;
        let id = world.add_team(&input.team_name, vec![admin], storage);
        Ok(Some(CreateTeamPayload {
            client_mutation_id: input.client_mutation_id,
            entity: world.team(&id).map(|team| Entity::of_team(&world, team)),
        }))
    }

    async fn delete_team(
        &self,
        context: &Context<'_>,
        input: DeleteTeamInput,
    ) -> async_graphql::Result<Option<DeleteTeamPayload>> {
        if !shared(context).world().remove_team(&input.team_name) {
            return Err(format!("team {} not found", input.team_name).into());
        }
        Ok(Some(DeleteTeamPayload {
            client_mutation_id: input.client_mutation_id,
            success: true,
        }))
    }
}

# CORS rules of the bucket's own

# SeaweedFS has such rules. Community MinIO does not: its rules are for the whole server,
# and they let every origin in unless MINIO_API_CORS_ALLOW_ORIGIN says otherwise.
resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  cors_allowed_origins = [var.wandb_base_url]
  cors_max_age_seconds = 600

  s3_compatible {
    create_access_key = true
  }
}

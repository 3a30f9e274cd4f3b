# On an S3-compatible server: host and port of the endpoint, and the name.
terraform import wandb_byob_bucket.omega s3_compatible/minio.example.com:9000/acme-wandb-omega
# On AWS: region and name.
terraform import wandb_byob_bucket.omega aws/us-east-1/acme-wandb-omega
# On Google Cloud: project and name.
terraform import wandb_byob_bucket.omega gcp/acme-prod-1234/acme-wandb-omega
# On Azure: subscription, resource group, storage account and container.
terraform import wandb_byob_bucket.omega azure/00000000-0000-0000-0000-000000000000/acme/acmewandb/omega

terraform import wandb_byob_bucket.omega s3_compatible/minio.example.com:9000/acme-wandb-omega

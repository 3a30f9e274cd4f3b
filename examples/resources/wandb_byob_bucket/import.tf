import {
  to = wandb_byob_bucket.omega
  id = "s3_compatible/${var.s3_host}/acme-wandb-omega"
}

variable "s3_host" {
  description = "Host of the endpoint, and its port where it is not the scheme's own, for example minio.example.com:9000."
  type        = string
}

"""Kubernetes: a service account's token, which kubelet rotates in its file."""

from psi.broker.infisical.auth.stored_jwt import StoredJwtMethod


class KubernetesMethod(StoredJwtMethod):
    """Infisical asks the cluster's TokenReview about it (identity-kubernetes-auth-router)."""

    name = "kubernetes"
    route = "kubernetes-auth"

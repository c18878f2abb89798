"""The manifests of the model deployer `kserve`, checked by KServe's models."""

import pytest
from contracts.model_manifest import IMAGE, ModelManifestContract

from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer

kserve = pytest.importorskip("kserve", reason="no kserve here: `make test-flavors` installs it")
kubernetes = pytest.importorskip("kubernetes", reason="it comes with kserve")


NATIVE = {"str": str, "int": int, "bool": bool, "object": object}


def strange(content, kind, place=""):
    """The places in a manifest of which KServe's models, and those of Kubernetes, know nothing."""
    if kind in NATIVE:
        if not isinstance(content, NATIVE[kind]):
            yield f"{place} is no {kind}"
    elif kind.lower().startswith("list["):
        for number, each in enumerate(content):
            yield from strange(each, kind[5:-1], f"{place}[{number}]")
    elif kind.lower().startswith("dict"):
        inner = kind[5:-1].partition(", ")[2]
        for name, each in content.items():
            yield from strange(each, inner, f"{place}.{name}")
    else:
        model = getattr(kserve.models, kind, None) or getattr(kubernetes.client, kind)
        attributes = {written: name for name, written in model.attribute_map.items()}
        for written, each in content.items():
            if written not in attributes:
                yield f"{place}.{written} is not known"
            else:
                inner = model.openapi_types[attributes[written]]
                yield from strange(each, inner, f"{place}.{written}")


class TestKServe(ModelManifestContract):
    @pytest.fixture
    def flavor(self):
        return KServeModelDeployer

    def container(self, manifest):
        (found,) = manifest["spec"]["predictor"]["containers"]
        return found

    def test_kserves_models_know_all_of_it(self, manifest, on_s3):
        made = manifest(
            on_s3,
            image=IMAGE,
            namespace="models",
            replicas=2,
            service_account="reader",
            image_pull_secrets=["registry"],
            requests={"cpu": "1"},
            environment={"AWS_REGION": "eu-central-1"},
            secret_environment={"AWS_SECRET_ACCESS_KEY": "s3:secret"},
        )
        assert (made["apiVersion"], made["kind"]) == (
            "serving.kserve.io/v1beta1",
            "InferenceService",
        )
        assert [*strange(made, "V1beta1InferenceService")] == []
        predictor = made["spec"]["predictor"]
        assert predictor["minReplicas"] == predictor["maxReplicas"] == 2
        assert predictor["serviceAccountName"] == "reader"

    def test_what_kserve_does_not_know_would_be_found(self, manifest, on_s3):
        made = manifest(on_s3, image=IMAGE)
        made["spec"]["predictor"] |= {"replicas": 1, "minReplicas": "1"}
        made["spec"]["predictor"]["containers"][0]["imagee"] = "typed wrongly"
        assert [*strange(made, "V1beta1InferenceService")] == [
            ".spec.predictor.minReplicas is no int",
            ".spec.predictor.containers[0].imagee is not known",
            ".spec.predictor.replicas is not known",
        ]

    def test_its_container_has_the_name_that_kserve_expects(self, manifest, on_s3):
        container = self.container(manifest(on_s3, image=IMAGE))
        assert container["name"] == "kserve-container"
        assert container["readinessProbe"]["httpGet"] == {
            "path": "/v2/models/flowers-2/ready",
            "port": 8080,
        }
        assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
        assert {"--name=flowers-2", "--port=8080"} <= {*container["args"]}

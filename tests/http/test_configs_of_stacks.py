"""What is printed for Compose and Kubernetes: allowed by their schemas, of one mind with settings and itself."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from nexxi_cli.core.settings import Settings
from nexxi_cli.http.configs import configuration
from tests.http.dashboard import dashboard


def test_compose_has_all_the_parts_each_healthy_and_of_a_named_version() -> None:
    services = yaml.safe_load(configuration("compose", Settings()))["services"]
    servers = {"nexxi-1", "nexxi-2", "nginx", "redis", "postgres", "vllm", "prometheus", "grafana"}
    assert set(services) == {*servers, "migrate"}
    for name, service in services.items():
        assert re.search(r":v?\d[\w.-]*$", service["image"]), name
    for name in servers:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_compose_is_what_the_specification_allows() -> None:
    document = yaml.safe_load(configuration("compose", Settings()))  # its merge keys are YAML's, not Compose's
    compose = PyCompose.from_json(json.dumps(document))
    compose.validate()
    assert set(compose.service_names()) == set(document["services"])


def test_both_servers_of_compose_are_locked_up_and_alike_but_for_their_address() -> None:
    services = yaml.safe_load(configuration("compose", Settings()))["services"]
    first, second = services["nexxi-1"], services["nexxi-2"]
    assert first["networks"]["front"]["ipv4_address"] != second["networks"]["front"]["ipv4_address"]
    assert {**first, "networks": None} == {**second, "networks": None}
    assert (first["read_only"], first["cap_drop"]) == (True, ["ALL"])
    assert first["security_opt"] == ["no-new-privileges:true"]
    assert first["volumes"] == ["nexxi:/var/lib/nexxi"]


def test_compose_makes_the_tables_before_anyone_looks_for_them() -> None:
    services = yaml.safe_load(configuration("compose", Settings()))["services"]
    assert services["migrate"]["command"] == ["doctor", "--migrate"]
    assert services["nexxi-1"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert set(services["migrate"]["environment"]) < set(services["nexxi-1"]["environment"])


def test_compose_asks_its_vllm_with_the_key_that_this_expects() -> None:
    services = yaml.safe_load(configuration("compose", Settings()))["services"]
    asking, asked = services["nexxi-1"]["environment"], services["vllm"]
    assert asking["NEXXI_MODEL_SERVER"] == "http://vllm:8000/v1"
    assert asking["NEXXI_MODEL_SERVER_KEY"] == asked["environment"]["VLLM_API_KEY"]
    assert asking["NEXXI_MODEL"] in asked["command"]
    assert set(asked["networks"]) <= set(services["nexxi-1"]["networks"])
    assert "ports" not in asked


def test_compose_names_only_networks_volumes_and_files_that_it_has() -> None:
    document = yaml.safe_load(configuration("compose", Settings()))
    for name, service in document["services"].items():
        assert set(service["networks"]) <= set(document["networks"])
        assert {config["source"] for config in service.get("configs", ())} <= set(document["configs"])
        assert set(service.get("secrets", ())) <= set(document["secrets"])
        assert set(service.get("depends_on", ())) <= set(document["services"])
        assert not service.get("ports") or name in ("nginx", "grafana")
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(document["volumes"])


def test_compose_carries_the_other_configurations_with_every_dollar_doubled() -> None:
    configs = yaml.safe_load(configuration("compose", Settings(port=0, uds=Path("/x"))))["configs"]
    contents = {name: config["content"] for name, config in configs.items()}
    for name, content in contents.items():
        assert re.search(r"(?<!\$)(\$\$)*\$(?![${])", content) is None, name
    composed = contents["grafana_dashboard"].replace("$$", "$")
    assert json.loads(composed) == dashboard()
    assert re.findall(r"server \"(.*)\";", contents["nginx"]) == ["nexxi-1:8000", "nexxi-2:8000"]
    assert "server_name ${NEXXI_NAME:?is missing in .env};" in contents["nginx"]
    [job] = yaml.safe_load(contents["prometheus"])["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["nexxi-1:8000", "nexxi-2:8000"]}]


def test_compose_trusts_the_forwarded_headers_of_its_nginx_alone() -> None:
    services = yaml.safe_load(configuration("compose", Settings()))["services"]
    trusted = services["nexxi-1"]["environment"]["NEXXI_FORWARDED_ALLOW_IPS"]
    assert services["nginx"]["networks"]["front"]["ipv4_address"] == trusted


@pytest.mark.parametrize("kind", ["compose", "k8s"])
def test_the_settings_that_are_named_are_ours(kind: str) -> None:
    names = set(re.findall(r"^ +(?:- name: )?NEXXI_(\w+)(?=:|$| )", configuration(kind, Settings()), re.MULTILINE))
    assert len(names) > 10
    assert {name.lower() for name in names} - set(Settings.model_fields) == set()


def objects(**settings: object) -> dict[str, Any]:
    """What is printed for Kubernetes, by kind."""
    documents = yaml.safe_load_all(configuration("k8s", Settings.model_validate(settings)))
    return {document["kind"]: document for document in documents}


@pytest.mark.parametrize("version", ["1.27", "1.31", "1.37"])
def test_kubernetes_finds_its_objects_well_formed(version: str) -> None:
    found = objects()
    assert set(found) == {"Deployment", "Service", "PodDisruptionBudget"}
    for document in found.values():
        kubernetes_validate.validate(document, version, strict=True)


def test_the_parts_in_kubernetes_find_each_other() -> None:
    found = objects(port=9000)
    template = found["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    assert found["Service"]["spec"]["selector"].items() <= labels
    assert found["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert found["PodDisruptionBudget"]["spec"]["minAvailable"] < found["Deployment"]["spec"]["replicas"]
    (server,) = template["spec"]["containers"]
    assert server["ports"] == [{"name": "http", "containerPort": 9000}]
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    volumes = {volume["name"] for volume in template["spec"]["volumes"]}
    assert {mount["name"] for mount in server["volumeMounts"]} == volumes


def test_a_pod_is_locked_up_limited_and_looked_at() -> None:
    pod = objects()["Deployment"]["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["containers"], *pod["initContainers"]]:
        locked = container["securityContext"]
        assert (locked["readOnlyRootFilesystem"], locked["allowPrivilegeEscalation"]) == (True, False)
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}
    (server,) = pod["containers"]
    probes = {name: server[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/ready",
        "readiness": "/ready",
        "liveness": "/health",
    }


def test_a_pod_has_longer_to_end_than_we_take_and_the_user_of_the_image() -> None:
    pod = objects(grace_s=45.5)["Deployment"]["spec"]["template"]["spec"]
    leave_s = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] == 56 + leave_s
    dockerfile = (Path(__file__).parents[2] / "Dockerfile").read_text()
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert f"USER {user}\n" in dockerfile


@pytest.mark.parametrize("kind", ["compose", "k8s"])
def test_a_model_server_gets_many_requests_at_a_time_unless_the_settings_say_how_many(kind: str) -> None:
    assert re.search(r'NEXXI_MAX_CONCURRENT:?\s+(value: )?"16"', configuration(kind, Settings()))
    assert re.search(r'NEXXI_MAX_CONCURRENT:?\s+(value: )?"4"', configuration(kind, Settings(max_concurrent=4)))

"""The kinds of model servers, for what holds of all."""

import pytest

from tests.infrastructure.model_server.asking import OPENAI, TGI, Api


@pytest.fixture(params=[OPENAI, TGI], ids=lambda api: api.name)
def api(request: pytest.FixtureRequest) -> Api:
    found: Api = request.param
    return found

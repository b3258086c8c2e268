"""Settings: which source wins, and what a wrong one says."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.settings import Settings, load_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_any_source_the_defaults_hold(config: Path) -> None:
    assert load_settings({}, {}, default_config=config) == Settings()


def test_a_flag_beats_an_assignment_beats_a_variable_beats_the_file(config: Path) -> None:
    config.write_text('model = "file"\nseed = 1\nmax_tokens = 10\nthreads = 1\n')
    environ = {"NEXXI_MODEL": "variable", "NEXXI_SEED": "2", "NEXXI_THREADS": "2"}
    assignments = {"model": "assigned", "threads": "3"}
    settings = load_settings({"model": "flag"}, environ, default_config=config, assignments=assignments)
    assert (settings.model, settings.seed, settings.max_tokens, settings.threads) == ("flag", 2, 10, 3)


def test_what_is_allowed_is_a_list_in_the_file_and_parted_by_semicolons_elsewhere(config: Path) -> None:
    config.write_text('safety_allow = ["chat template", "a{1,2};b"]\n')
    assert load_settings({}, {}, default_config=config).safety_allow == ("chat template", "a{1,2};b")
    environ = {"NEXXI_SAFETY_ALLOW": "chat template; a{1,2};"}
    assert load_settings({}, environ, default_config=config).safety_allow == ("chat template", "a{1,2}")


def test_what_is_allowed_must_be_regular_expressions(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"NEXXI_SAFETY_ALLOW: '\(' is no regular expression"):
        load_settings({}, {"NEXXI_SAFETY_ALLOW": "("}, default_config=config)


def test_injection_cannot_be_redacted(config: Path) -> None:
    with pytest.raises(SettingsError, match="'off', 'observe' or 'block'"):
        load_settings({}, {"NEXXI_SAFETY_INJECTION": "redact"}, default_config=config)


def test_a_table_in_the_file_is_a_prefix(config: Path) -> None:
    config.write_text('[safety]\npii = "off"\n')
    assert load_settings({}, {}, default_config=config).safety_pii == "off"


def test_an_empty_variable_counts_as_unset(config: Path) -> None:
    assert load_settings({}, {"NEXXI_MODEL": ""}, default_config=config).model == "smollm2-135m"


def test_an_unknown_variable_names_itself_and_the_nearest(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"NEXXI_TEMPERATUR: .*did you mean NEXXI_TEMPERATURE\?"):
        load_settings({}, {"NEXXI_TEMPERATUR": "1"}, default_config=config)


def test_an_unknown_key_in_the_file_names_the_file_and_the_nearest(config: Path) -> None:
    config.write_text("max_token = 3\n")
    with pytest.raises(SettingsError, match=r"max_token in .*config\.toml: .*did you mean max_tokens\?"):
        load_settings({}, {}, default_config=config)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("NEXXI_TEMPERATURE", "x"), ("NEXXI_TEMPERATURE", "-1"), ("NEXXI_MAX_TOKENS", "0"), ("NEXXI_SAFETY_PII", "maybe")],
)
def test_a_bad_value_names_the_variable_and_the_value(config: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: .*{value}"):
        load_settings({}, {variable: value}, default_config=config)


def test_broken_toml_names_the_file(config: Path) -> None:
    config.write_text("model = \n")
    with pytest.raises(SettingsError, match=r"config\.toml is not valid TOML"):
        load_settings({}, {}, default_config=config)


def test_a_config_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NEXXI_CONFIG: there is no file"):
        load_settings({}, {"NEXXI_CONFIG": str(tmp_path / "none.toml")}, default_config=tmp_path / "config.toml")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6380/15",
        "redis://ada:se%2Fsame@[::1]:6380/0",
        "rediss://:sesame@redis.example.com?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=2",
    ],
)
def test_a_redis_url_is_taken_and_never_shown(config: Path, url: str) -> None:
    settings = load_settings({}, {"NEXXI_REDIS_URL": url}, default_config=config)
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://:sesame@localhost",
        "sesame",
        "redis:sesame",
        "redis://:x/sesame@localhost",
        "redis://:1/sesame@localhost",
        "redis://ada:1?sesame@localhost",
        "redis://ada:1#sesame@localhost",
        "redis://[sesame",
        "redis://localhost:sesame",
        "redis://localhost/sesame",
        "unix://sesame",
    ],
)
def test_a_bad_redis_url_is_refused_without_showing_it(config: Path, url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^NEXXI_REDIS_URL: should be redis://\S+, rediss://\S+ or unix:///"
    ) as refusal:
        load_settings({}, {"NEXXI_REDIS_URL": url}, default_config=config)
    assert "sesame" not in f"{refusal.value} {refusal.value.__cause__}"


def test_a_redis_url_that_is_no_text_is_refused_without_showing_it(config: Path) -> None:
    config.write_text("redis_url = 4711\n")
    with pytest.raises(SettingsError, match=r"^redis_url in .*config\.toml: input should be a valid string$"):
        load_settings({}, {}, default_config=config)


@pytest.mark.parametrize("api_key", ["hunter2", "x" * 257])
def test_a_key_that_is_too_short_or_too_long_is_refused_without_showing_it(config: Path, api_key: str) -> None:
    with pytest.raises(SettingsError, match=r"^NEXXI_API_KEY: ") as refused:
        load_settings({}, {"NEXXI_API_KEY": api_key}, default_config=config)
    assert api_key not in str(refused.value)


def test_a_session_lives_a_second_at_least(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"^NEXXI_SESSION_TTL_S: .* not '0'$"):
        load_settings({}, {"NEXXI_SESSION_TTL_S": "0"}, default_config=config)


def test_model_servers_are_addresses_each_once(config: Path) -> None:
    environ = {"NEXXI_MODEL_SERVER": "http://a:8000/v1/, https://b/v1 http://a:8000/v1"}
    assert load_settings({}, environ, default_config=config).model_server == ("http://a:8000/v1", "https://b/v1")


@pytest.mark.parametrize("url", ["a:8000", "http://", "http://a:x/v1", "http://me:sesame@a/v1", "http://a/v1?k=sesame"])
def test_an_address_of_a_model_server_that_is_none_is_refused_and_a_password_not_shown(config: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"^NEXXI_MODEL_SERVER: should be http://host:port/v1") as refusal:
        load_settings({}, {"NEXXI_MODEL_SERVER": url}, default_config=config)
    assert "me:sesame" not in f"{refusal.value} {refusal.value.__cause__}"


@pytest.mark.parametrize(
    ("servers", "backend"),
    [("", "local"), ("http://a/v1,https://b/v1", "openai"), ("tgi+http://a:8080,tgi+https://b", "tgi")],
)
def test_what_stands_before_the_addresses_says_which_backend_it_is(config: Path, servers: str, backend: str) -> None:
    assert load_settings({}, {"NEXXI_MODEL_SERVER": servers}, default_config=config).model_backend == backend


def test_model_servers_are_of_one_kind(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"^NEXXI_MODEL_SERVER: should be servers of one kind"):
        load_settings({}, {"NEXXI_MODEL_SERVER": "http://a/v1,tgi+http://b"}, default_config=config)


def test_only_a_model_that_was_named_is_asked_of_a_model_server(config: Path) -> None:
    assert load_settings({}, {}, default_config=config).named_model is None
    assert load_settings({"model": "big"}, {}, default_config=config).named_model == "big"


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=12), max_size=3))
def test_no_flag_of_any_name_or_value_gives_anything_but_settings_or_a_settings_error(flags: dict[str, str]) -> None:
    with suppress(SettingsError):
        assert load_settings(flags, {}, default_config=Path("/nonexistent/config.toml"))


def test_what_labels_mean_is_a_list_in_the_file_and_parted_by_commas_elsewhere(config: Path) -> None:
    config.write_text(
        '[moderation]\nmodel = "a/b"\nlabels = ["toxic=block", "hate speech=flag:0.8"]\nthreshold = 0.7\n'
    )
    settings = load_settings({}, {}, default_config=config)
    assert settings.moderation_labels == ("toxic=block", "hate speech=flag:0.8")
    assert (settings.moderation_model, settings.moderation_threshold) == ("a/b", 0.7)
    environ = {"NEXXI_MODERATION_LABELS": "toxic=block, hate speech=flag:0.8,"}
    assert load_settings({}, environ, default_config=config).moderation_labels == settings.moderation_labels


@pytest.mark.parametrize(
    ("value", "words"),
    [("toxic", "label=block"), ("toxic=stop", "label=block"), ("a=flag:2", "threshold"), ("a=flag,A=pass", "once")],
)
def test_labels_with_no_clear_meaning_are_refused(config: Path, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"NEXXI_MODERATION_LABELS: .*{words}"):
        load_settings({}, {"NEXXI_MODERATION_LABELS": value}, default_config=config)

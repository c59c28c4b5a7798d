"""Arrays and JSON are read part by part and written as they came."""

from pathlib import Path

import pytest

from console.transfer.files.forms import Target, build_forms
from console.transfer.files.values import Writing, read_value

FORMS = build_forms([Target("a.png", "m/a.png"), Target("2024/b c.png", "m/2024/b c.png")], Path("/srv/uploads"))


class TestGivenAnArray:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("{a.png,zz}", '{"m/a.png",zz}'),
            ('{"/uploads/2024/b c.png",NULL,"x,\\"y"}', '{"m/2024/b c.png",NULL,"x,\\"y"}'),
            ("[2:3]={/uploads/a.png,zz}", '[2:3]={"m/a.png",zz}'),
            ("{{a.png,b},{c,d}}", '{{"m/a.png",b},{c,d}}'),
            ("{}", "{}"),
        ],
    )
    def test_when_elements_name_files_then_they_alone_change(self, old, new):
        assert read_value(FORMS, Writing.ARRAY, old).text == new


class TestGivenJson:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('{ "p" : "2024/b c.png" }', '{ "p" : "m/2024/b c.png" }'),
            ('{"p": "2024\\/b c.png"}', '{"p": "m\\/2024\\/b c.png"}'),
            ('{"p": "a.png", "2024/b c.png": 1}', '{"p": "a.png", "2024/b c.png": 1}'),
            ('["see /uploads/a.png.", "\\u0000/x"]', '["see m/a.png.", "\\u0000/x"]'),
        ],
    )
    def test_when_strings_name_files_then_paths_with_a_folder_and_known_beginnings_change(self, old, new):
        assert read_value(FORMS, Writing.JSON, old).text == new

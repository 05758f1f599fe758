"""The evidence bundle of a request: what is in it, for whom, and that each export is recorded."""

import io
from zipfile import ZipFile

from tests.services.request_cast import Office


def test_try(office: Office) -> None:
    from tests.services.test_verification import eventful
    ask = eventful(office)
    answer = office.signer.get(office.desk.cast.a.auditor, f"/v1/freeze-requests/{ask.id}/evidence-bundle")
    assert answer.status_code == 200, answer.get_data()[:500]
    data = answer.get_data()
    open("/tmp/w/bundle_tmp/b.zip","wb").write(data)
    with ZipFile(io.BytesIO(data)) as z:
        print(len(z.namelist()), len(data))
        print("\n".join(z.namelist()))

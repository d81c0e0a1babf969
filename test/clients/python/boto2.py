"""Scenarios for boto 2.49, the library of the documentation's script. It signs with Signature Version 2."""
import io
import math
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import unquote_plus
from urllib.request import ProxyHandler, Request, build_opener

from boto.exception import S3ResponseError
from boto.s3.connection import OrdinaryCallingFormat, S3Connection, SubdomainCallingFormat
from boto.s3.key import Key
from boto.s3.prefix import Prefix

from scenario import equal, fails, main, pattern, scenario, unique_name

MIB = 1024 * 1024


def connect(settings):
    keys = {
        'aws_access_key_id': settings['accessKeyId'],
        'aws_secret_access_key': settings['secretAccessKey'],
        'is_secure': False,
    }
    address = {'host': settings['host'], 'port': settings['port']}
    return SimpleNamespace(
        by_path=S3Connection(calling_format=OrdinaryCallingFormat(), **address, **keys),
        by_host=S3Connection(
            calling_format=SubdomainCallingFormat(),
            host=settings['serviceUri'],
            proxy=settings['host'],
            proxy_port=settings['port'],
            **keys,
        ),
        stranger=S3Connection(anon=True, is_secure=False, calling_format=OrdinaryCallingFormat(), **address),
        tenant=settings['tenant'],
    )


@contextmanager
def new_bucket(connection):
    bucket = connection.create_bucket(unique_name('boto'))
    yield bucket
    for key in bucket.list():
        key.delete()
    bucket.delete()
    equal(connection.lookup(bucket.name), None)


def put(bucket, name, content, **options):
    key = Key(bucket, name)
    key.set_contents_from_string(content, **options)
    return key


def fetch(url, **headers):
    try:
        with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


@scenario
def creates_lists_and_deletes_buckets(s3):
    with new_bucket(s3.by_path) as bucket:
        assert bucket.name in [each.name for each in s3.by_path.get_all_buckets()]
        equal(s3.by_path.get_bucket(bucket.name).name, bucket.name)
        put(bucket, 'in the way', 'x')
        equal(fails(S3ResponseError, bucket.delete).error_code, 'BucketNotEmpty')


@scenario
def sets_and_gets_contents(s3):
    with new_bucket(s3.by_path) as bucket:
        for name in ['plain', 'with space', 'plus+', '100%', 'ünï/日本/🎈', "it's;a=key&more"]:
            content = f'content of {name}'
            put(bucket, name, content, headers={'Content-Type': 'text/x-test'})
            key = bucket.get_key(name)
            equal(key.get_contents_as_string().decode(), content)
            equal(key.content_type, 'text/x-test')
        equal(bucket.get_key('absent'), None)
        equal(fails(S3ResponseError, Key(bucket, 'absent').get_contents_as_string).error_code, 'NoSuchKey')


@scenario
def keeps_metadata_and_reads_ranges(s3):
    with new_bucket(s3.by_path) as bucket:
        key = Key(bucket, 'metadata')
        key.set_metadata('colour', 'blue')
        key.set_contents_from_file(io.BytesIO(b'0123456789'), replace=False)
        found = bucket.get_key('metadata')
        equal(found.get_metadata('colour'), 'blue')
        equal(found.size, 10)
        equal(found.get_contents_as_string(headers={'Range': 'bytes=3-5'}), b'345')
        found.set_remote_metadata({'colour': 'red'}, [], True)
        equal(bucket.get_key('metadata').get_metadata('colour'), 'red')


@scenario
def encrypts_when_asked_to(s3):
    with new_bucket(s3.by_path) as bucket:
        put(bucket, 'secret', 'hidden', encrypt_key=True)
        key = bucket.get_key('secret')
        equal(key.encrypted, 'AES256')
        equal(key.get_contents_as_string(), b'hidden')


@scenario
def lists_with_prefixes_delimiters_and_pages(s3):
    with new_bucket(s3.by_path) as bucket:
        names = ['a/1', 'a/2', 'b/c/3', 'top 1', 'top+2', 'ü']
        for name in names:
            put(bucket, name, name)
        equal([key.name for key in bucket.list()], names)
        equal([key.name for key in bucket.list(prefix='a/')], ['a/1', 'a/2'])
        folders = list(bucket.list(delimiter='/'))
        equal([each.name for each in folders if isinstance(each, Prefix)], ['a/', 'b/'])
        equal([each.name for each in folders if isinstance(each, Key)], names[3:])
        paged, marker = [], ''
        while True:
            page = bucket.get_all_keys(max_keys=2, marker=marker)
            paged.extend(key.name for key in page)
            if not page.is_truncated:
                break
            marker = page[-1].name
        equal(paged, names)
        encoded = [key.name for key in bucket.list(encoding_type='url')]
        assert encoded != names, encoded
        equal([unquote_plus(name) for name in encoded], names)


@scenario
def deletes_many_keys_at_once(s3):
    with new_bucket(s3.by_path) as bucket:
        names = ['one', 'two & <three>', 'vier ü']
        for name in names:
            put(bucket, name, name)
        result = bucket.delete_keys([*names, 'absent'])
        equal(sorted(each.key for each in result.deleted), sorted([*names, 'absent']))
        equal(result.errors, [])
        equal(list(bucket.list()), [])


@scenario
def sets_and_reads_acls(s3):
    with new_bucket(s3.by_path) as bucket:
        key = put(bucket, 'shown', 'to all')

        def anonymously():
            return s3.stranger.get_bucket(bucket.name, validate=False).get_key('shown', validate=False)

        equal(fails(S3ResponseError, anonymously().get_contents_as_string).error_code, 'AccessDenied')
        key.set_acl('public-read')
        equal(anonymously().get_contents_as_string(), b'to all')
        grants = sorted((each.permission, each.type) for each in key.get_acl().acl.grants)
        equal(grants, [('FULL_CONTROL', 'CanonicalUser'), ('READ', 'Group')])
        policy = key.get_acl()
        equal(policy.owner.id, s3.tenant)
        policy.acl.grants = [grant for grant in policy.acl.grants if grant.type != 'Group']
        key.set_acl(policy)
        equal(fails(S3ResponseError, anonymously().get_contents_as_string).error_code, 'AccessDenied')
        bucket.set_acl('public-read')
        equal([each.name for each in s3.stranger.get_bucket(bucket.name).list()], ['shown'])


@scenario
def copies(s3):
    with new_bucket(s3.by_path) as source, new_bucket(s3.by_path) as target:
        put(source, 'from ü+', 'copied', headers={'x-amz-meta-kept': 'yes'})
        target.copy_key('to', source.name, 'from ü+')
        equal(target.get_key('to').get_contents_as_string(), b'copied')
        equal(target.get_key('to').get_metadata('kept'), 'yes')
        target.copy_key('to', source.name, 'from ü+', metadata={'new': 'one'})
        equal(target.get_key('to').get_metadata('kept'), None)
        equal(target.get_key('to').get_metadata('new'), 'one')


@scenario
def uploads_in_parts(s3):
    with new_bucket(s3.by_path) as bucket:
        content = pattern(12 * MIB)
        upload = bucket.initiate_multipart_upload('large', metadata={'made': 'in parts'})
        for index in range(math.ceil(len(content) / (5 * MIB))):
            upload.upload_part_from_file(io.BytesIO(content[index * 5 * MIB:(index + 1) * 5 * MIB]), index + 1)
        equal([part.size for part in upload], [5 * MIB, 5 * MIB, 2 * MIB])
        equal([each.key_name for each in bucket.list_multipart_uploads()], ['large'])
        upload.complete_upload()
        key = bucket.get_key('large')
        assert key.etag.endswith('-3"'), key.etag
        equal(key.get_metadata('made'), 'in parts')
        assert key.get_contents_as_string() == content, 'the content differs'

        pieced = bucket.initiate_multipart_upload('pieced')
        pieced.copy_part_from_key(bucket.name, 'large', 1, 0, 5 * MIB - 1)
        pieced.copy_part_from_key(bucket.name, 'large', 2, 10 * MIB, 12 * MIB - 1)
        pieced.complete_upload()
        assert bucket.get_key('pieced').get_contents_as_string() == content[:5 * MIB] + content[10 * MIB:], 'differs'

        bucket.initiate_multipart_upload('abandoned').cancel_upload()
        equal(list(bucket.list_multipart_uploads()), [])


@scenario
def presigns_urls(s3):
    with new_bucket(s3.by_path) as bucket:
        key = put(bucket, 'signed ü+', 'by signature')
        equal(fetch(key.generate_url(60)), (200, b'by signature'))
        answer = key.generate_url(60, response_headers={'response-content-type': 'text/x-other'})
        equal(fetch(answer), (200, b'by signature'))
        equal(fetch(key.generate_url(60, query_auth=False))[0], 403)
        equal(fetch(key.generate_url(1_500_000_000, expires_in_absolute=True))[0], 403)
        equal(fetch(key.generate_url(60).replace('signed', 'tampered'))[0], 403)


@scenario
def works_with_host_names_through_a_proxy(s3):
    with new_bucket(s3.by_host) as bucket:
        for name in ['plain', 'a folder/with ü + %41']:
            put(bucket, name, name)
            equal(bucket.get_key(name).get_contents_as_string().decode(), name)
        equal([key.name for key in bucket.list()], ['a folder/with ü + %41', 'plain'])
        equal(s3.by_path.get_bucket(bucket.name).get_key('plain').get_contents_as_string(), b'plain')


@scenario
def configures_cors_and_location(s3):
    with new_bucket(s3.by_path) as bucket:
        equal(fails(S3ResponseError, bucket.get_cors).error_code, 'NoSuchCORSConfiguration')
        bucket.set_cors_xml(
            '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>'
            '<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>'
        )
        equal([(rule.allowed_method, rule.max_age_seconds) for rule in bucket.get_cors()], [(['GET'], 60)])
        bucket.delete_cors()
        equal(bucket.get_request_payment().count(b'BucketOwner'), 1)
        assert bucket.get_location() != '', 'a region has a name'


if __name__ == '__main__':
    main(connect)

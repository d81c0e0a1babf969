"""Scenarios for boto3 as it is installed today: Signature Version 4, and a CRC32 of every upload."""
import base64
import hashlib
import io
import json
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from scenario import equal, fails, main, pattern, scenario, unique_name

MIB = 1024 * 1024


def connect(settings):
    def options(**more):
        return {
            'endpoint_url': settings['url'],
            'region_name': settings['region'],
            'aws_access_key_id': settings['accessKeyId'],
            'aws_secret_access_key': settings['secretAccessKey'],
            'config': Config(retries={'total_max_attempts': 1}, s3={'addressing_style': 'path'}, **more),
        }

    return SimpleNamespace(
        client=boto3.client('s3', **options()),
        v2=boto3.client('s3', **options(signature_version='s3')),
        resource=boto3.resource('s3', **options()),
        region=settings['region'],
    )


@contextmanager
def new_bucket(s3):
    name = unique_name('boto3')
    s3.client.create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': s3.region})
    yield name
    bucket = s3.resource.Bucket(name)
    bucket.objects.all().delete()
    bucket.delete()
    equal(code_of(fails(ClientError, s3.client.head_bucket, Bucket=name)), '404')


def code_of(error):
    return error.response['Error']['Code']


def status_of(error):
    return error.response['ResponseMetadata']['HTTPStatusCode']


def body_of(answer):
    return answer['Body'].read()


def request(url, method='GET', data=None, **headers):
    try:
        made = Request(url, data=data, method=method, headers=headers)
        with build_opener(ProxyHandler({})).open(made, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


@scenario
def puts_with_the_default_checksum(s3):
    with new_bucket(s3) as bucket:
        put = s3.client.put_object(Bucket=bucket, Key='k', Body=b'123456789')
        equal(put['ChecksumCRC32'], base64.b64encode(bytes.fromhex('cbf43926')).decode())
        got = s3.client.get_object(Bucket=bucket, Key='k', ChecksumMode='ENABLED')
        equal(body_of(got), b'123456789')
        equal(got['ChecksumCRC32'], put['ChecksumCRC32'])
        equal(got['ChecksumType'], 'FULL_OBJECT')
        # A stream that cannot be hashed beforehand goes up in chunks with its checksum as a trailer.
        s3.client.put_object(Bucket=bucket, Key='stream', Body=io.BytesIO(pattern(MIB)))
        assert body_of(s3.client.get_object(Bucket=bucket, Key='stream')) == pattern(MIB), 'the content differs'


@scenario
def puts_with_every_checksum(s3):
    with new_bucket(s3) as bucket:
        for algorithm, member in [
            ('CRC32', 'ChecksumCRC32'),
            ('CRC32C', 'ChecksumCRC32C'),
            ('CRC64NVME', 'ChecksumCRC64NVME'),
            ('SHA1', 'ChecksumSHA1'),
            ('SHA256', 'ChecksumSHA256'),
        ]:
            put = s3.client.put_object(Bucket=bucket, Key=algorithm, Body=b'123456789', ChecksumAlgorithm=algorithm)
            got = s3.client.get_object(Bucket=bucket, Key=algorithm, ChecksumMode='ENABLED')
            equal(body_of(got), b'123456789')
            equal(got[member], put[member])
            attributes = s3.client.get_object_attributes(
                Bucket=bucket, Key=algorithm, ObjectAttributes=['Checksum', 'ObjectSize', 'ETag']
            )
            equal(attributes['Checksum'][member], put[member])
            equal(attributes['ObjectSize'], 9)
        expected = base64.b64encode(hashlib.sha256(b'123456789').digest()).decode()
        equal(s3.client.head_object(Bucket=bucket, Key='SHA256', ChecksumMode='ENABLED')['ChecksumSHA256'], expected)
        wrong = fails(ClientError, s3.client.put_object, Bucket=bucket, Key='bad', Body=b'x', ChecksumSHA256=expected)
        equal(code_of(wrong), 'BadDigest')
        equal(code_of(fails(ClientError, s3.client.head_object, Bucket=bucket, Key='bad')), '404')


@scenario
def uploads_and_downloads_files_in_parts(s3):
    with new_bucket(s3) as bucket:
        content = pattern(17 * MIB)
        config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB, max_concurrency=4)
        extra = {'Metadata': {'made': 'in parts'}, 'ContentType': 'application/x-test'}
        s3.client.upload_fileobj(io.BytesIO(content), bucket, 'large', ExtraArgs=extra, Config=config)
        head = s3.client.head_object(Bucket=bucket, Key='large', ChecksumMode='ENABLED')
        digests = b''.join(hashlib.md5(content[at:at + 6 * MIB]).digest() for at in range(0, len(content), 6 * MIB))
        equal(head['ETag'], f'"{hashlib.md5(digests).hexdigest()}-3"')
        equal(head['Metadata'], {'made': 'in parts'})
        equal(head['ContentType'], 'application/x-test')
        assert 'ChecksumCRC32' in head, head
        back = io.BytesIO()
        s3.client.download_fileobj(bucket, 'large', back, Config=config)
        assert back.getvalue() == content, 'the content differs'

        second = s3.client.get_object(Bucket=bucket, Key='large', PartNumber=2)
        equal(second['PartsCount'], 3)
        assert body_of(second) == content[6 * MIB:12 * MIB], 'the part differs'

        s3.client.copy({'Bucket': bucket, 'Key': 'large'}, bucket, 'copied in parts', Config=config)
        assert body_of(s3.client.get_object(Bucket=bucket, Key='copied in parts')) == content, 'the copy differs'


@scenario
def handles_parts_one_by_one(s3):
    with new_bucket(s3) as bucket:
        target = {'Bucket': bucket, 'Key': 'ü parts'}
        upload_id = s3.client.create_multipart_upload(**target, ChecksumAlgorithm='SHA256')['UploadId']
        upload = {**target, 'UploadId': upload_id}
        parts = []
        for number, body in [(1, pattern(5 * MIB)), (2, b'the last')]:
            part = s3.client.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm='SHA256')
            parts.append({'PartNumber': number, 'ETag': part['ETag'], 'ChecksumSHA256': part['ChecksumSHA256']})
        listed = s3.client.list_parts(**upload)['Parts']
        equal([(part['PartNumber'], part['Size']) for part in listed], [(1, 5 * MIB), (2, 8)])
        equal([each['Key'] for each in s3.client.list_multipart_uploads(Bucket=bucket)['Uploads']], ['ü parts'])
        done = s3.client.complete_multipart_upload(**upload, MultipartUpload={'Parts': parts})
        assert done['ChecksumSHA256'].endswith('-2'), done
        equal(s3.client.head_object(**target)['ContentLength'], 5 * MIB + 8)

        upload = {**target, 'UploadId': s3.client.create_multipart_upload(**target)['UploadId']}
        s3.client.abort_multipart_upload(**upload)
        equal(code_of(fails(ClientError, s3.client.list_parts, **upload)), 'NoSuchUpload')


@scenario
def uses_resources(s3):
    with new_bucket(s3) as name:
        bucket = s3.resource.Bucket(name)
        assert name in [each.name for each in s3.resource.buckets.all()]
        created = bucket.put_object(Key='dir/one', Body=b'1', Metadata={'a': 'b'})
        bucket.Object('two').put(Body=b'22')
        equal([each.key for each in bucket.objects.filter(Prefix='dir/')], ['dir/one'])
        equal([(each.key, each.size) for each in bucket.objects.all()], [('dir/one', 1), ('two', 2)])
        equal(created.get()['Body'].read(), b'1')
        equal(created.metadata, {'a': 'b'})
        created.Acl().put(ACL='public-read')
        equal(len(created.Acl().grants), 2)
        bucket.Object('three').copy_from(CopySource={'Bucket': name, 'Key': 'two'})
        equal(bucket.Object('three').content_length, 2)
        bucket.Object('three').wait_until_exists()
        bucket.Object('three').delete()
        bucket.Object('three').wait_until_not_exists()


@scenario
def presigns_urls(s3):
    with new_bucket(s3) as bucket:
        target = {'Bucket': bucket, 'Key': 'signed ü+%'}
        for client in [s3.client, s3.v2]:
            put_url = client.generate_presigned_url('put_object', {**target, 'ContentType': 'text/x-signed'}, 60)
            headers = {'Content-Type': 'text/x-signed'}
            equal(request(put_url, 'PUT', b'by signature', **headers), (200, b''))
            equal(s3.client.head_object(**target)['ContentType'], 'text/x-signed')
            get_url = client.generate_presigned_url('get_object', target, 60)
            equal(request(get_url), (200, b'by signature'))
            equal(request(get_url, 'DELETE')[0], 403)
            equal(request(get_url.replace('signed', 'tampered', 1))[0], 403)
            delete_url = client.generate_presigned_url('delete_object', target, 60)
            equal(request(delete_url, 'DELETE')[0], 204)
        equal(code_of(fails(ClientError, s3.client.head_object, **target)), '404')


def posted(post, content, **changes):
    boundary = unique_name('boundary')
    fields = {**post['fields'], **changes}
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]
    opening = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n'
    body = ''.join([*parts, opening]).encode() + content + f'\r\n--{boundary}--\r\n'.encode()
    headers = {'Content-Type': f'multipart/form-data; boundary={boundary}'}
    return request(post['url'], 'POST', body, **headers)


@scenario
def uploads_by_presigned_forms(s3):
    with new_bucket(s3) as bucket:
        for client in [s3.client, s3.v2]:
            post = client.generate_presigned_post(
                bucket,
                'forms/${filename}',
                Fields={'acl': 'private', 'success_action_status': '201', 'x-amz-meta-way': 'form'},
                Conditions=[
                    {'acl': 'private'},
                    {'success_action_status': '201'},
                    {'x-amz-meta-way': 'form'},
                    ['content-length-range', 1, 10],
                ],
                ExpiresIn=60,
            )
            status, answer = posted(post, b'by form')
            equal(status, 201)
            assert b'<Key>forms/f.txt</Key>' in answer, answer
            got = s3.client.get_object(Bucket=bucket, Key='forms/f.txt')
            equal((body_of(got), got['Metadata']), (b'by form', {'way': 'form'}))
            status, answer = posted(post, b'more than ten bytes')
            equal(status, 400)
            assert b'EntityTooLarge' in answer, answer
            equal(posted(post, b'by form', acl='public-read')[0], 403)
            equal(posted(post, b'by form', policy=base64.b64encode(json.dumps({}).encode()).decode())[0], 403)
            s3.client.delete_object(Bucket=bucket, Key='forms/f.txt')


@scenario
def writes_under_conditions(s3):
    with new_bucket(s3) as bucket:
        target = {'Bucket': bucket, 'Key': 'conditional'}
        first = s3.client.put_object(**target, Body=b'1', IfNoneMatch='*')
        again = fails(ClientError, s3.client.put_object, **target, Body=b'2', IfNoneMatch='*')
        equal(code_of(again), 'PreconditionFailed')
        second = s3.client.put_object(**target, Body=b'2', IfMatch=first['ETag'])
        lost = fails(ClientError, s3.client.put_object, **target, Body=b'3', IfMatch=first['ETag'])
        equal(code_of(lost), 'PreconditionFailed')
        equal(body_of(s3.client.get_object(**target, IfMatch=second['ETag'])), b'2')
        equal(code_of(fails(ClientError, s3.client.get_object, **target, IfNoneMatch=second['ETag'])), '304')
        hour = timedelta(hours=1)
        modified = s3.client.head_object(**target)['LastModified']
        unchanged = fails(ClientError, s3.client.get_object, **target, IfModifiedSince=modified + timedelta(seconds=1))
        equal(code_of(unchanged), '304')
        changed = fails(ClientError, s3.client.get_object, **target, IfUnmodifiedSince=modified - hour)
        equal(code_of(changed), 'PreconditionFailed')


@scenario
def lists_in_pages(s3):
    with new_bucket(s3) as bucket:
        keys = sorted([f'dir {index % 3}/ü+{index:02}' for index in range(12)] + ['top', 'zu & <oberst>'])
        for key in keys:
            s3.client.put_object(Bucket=bucket, Key=key, Body=key.encode())
        for name in ['list_objects_v2', 'list_objects']:
            pages = list(s3.client.get_paginator(name).paginate(Bucket=bucket, PaginationConfig={'PageSize': 5}))
            equal([entry['Key'] for page in pages for entry in page['Contents']], keys)
            equal(len(pages), 3)
            pages = s3.client.get_paginator(name).paginate(Bucket=bucket, Delimiter='/', PaginationConfig={'PageSize': 2})
            result = pages.build_full_result()
            equal([each['Prefix'] for each in result['CommonPrefixes']], ['dir 0/', 'dir 1/', 'dir 2/'])
            equal([each['Key'] for each in result['Contents']], keys[-2:])
        page = s3.client.list_objects_v2(Bucket=bucket, StartAfter='dir 2/ü+11', FetchOwner=True)
        equal([(each['Key'], each['Size']) for each in page['Contents']], [('top', 3), ('zu & <oberst>', 13)])
        equal(page['KeyCount'], 2)
        assert page['Contents'][0]['Owner']['ID'], page
        found = s3.client.get_paginator('list_objects_v2').paginate(Bucket=bucket).search("Contents[?Size > `12`].Key")
        equal(list(found), ['zu & <oberst>'])


@scenario
def copies_and_deletes_many(s3):
    with new_bucket(s3) as bucket:
        s3.client.put_object(Bucket=bucket, Key='from ü+%41', Body=b'copied', Metadata={'a': 'b'}, ContentType='text/x-a')
        source = {'Bucket': bucket, 'Key': 'from ü+%41'}
        s3.client.copy_object(Bucket=bucket, Key='to', CopySource=source)
        got = s3.client.get_object(Bucket=bucket, Key='to')
        equal((body_of(got), got['Metadata'], got['ContentType']), (b'copied', {'a': 'b'}, 'text/x-a'))
        s3.client.copy_object(
            Bucket=bucket, Key='to', CopySource=source, MetadataDirective='REPLACE', Metadata={'c': 'd'}
        )
        equal(s3.client.head_object(Bucket=bucket, Key='to')['Metadata'], {'c': 'd'})
        itself = fails(ClientError, s3.client.copy_object, Bucket=bucket, Key='to', CopySource=f'{bucket}/to')
        equal(code_of(itself), 'InvalidRequest')
        objects = [{'Key': key} for key in ['from ü+%41', 'to', 'absent']]
        result = s3.client.delete_objects(Bucket=bucket, Delete={'Objects': objects})
        equal(sorted(each['Key'] for each in result['Deleted']), ['absent', 'from ü+%41', 'to'])
        assert 'Contents' not in s3.client.list_objects_v2(Bucket=bucket)


@scenario
def reads_ranges(s3):
    with new_bucket(s3) as bucket:
        content = pattern(3 * MIB + 7)
        target = {'Bucket': bucket, 'Key': 'ranges'}
        s3.client.put_object(**target, Body=content, ServerSideEncryption='AES256')
        for given, part in [
            ('bytes=0-0', content[:1]),
            ('bytes=131071-131072', content[131071:131073]),
            ('bytes=1000000-2500000', content[1000000:2500001]),
            ('bytes=-9', content[-9:]),
            ('bytes=3145728-', content[3 * MIB:]),
            ('bytes=3145728-99999999', content[3 * MIB:]),
        ]:
            got = s3.client.get_object(**target, Range=given)
            equal(got['ResponseMetadata']['HTTPStatusCode'], 206)
            assert body_of(got) == part, given
        outside = fails(ClientError, s3.client.get_object, **target, Range=f'bytes={len(content)}-')
        equal(code_of(outside), 'InvalidRange')
        got = s3.client.get_object(**target, Range='bytes=0-3', ResponseContentType='text/x-other')
        equal((got['ContentRange'], got['ContentType']), (f'bytes 0-3/{len(content)}', 'text/x-other'))


@scenario
def keeps_headers_and_metadata(s3):
    with new_bucket(s3) as bucket:
        given = {
            'CacheControl': 'max-age=60, public',
            'ContentDisposition': 'attachment; filename="a b.txt"',
            'ContentEncoding': 'identity',
            'ContentLanguage': 'de, en',
            'ContentType': 'text/plain; charset=utf-8',
        }
        expires = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        target = {'Bucket': bucket, 'Key': 'headers'}
        s3.client.put_object(**target, Body=b'', Expires=expires, Metadata={'Mixed-Case': 'a  b', 'empty': ''}, **given)
        head = s3.client.head_object(**target)
        equal({name: head[name] for name in given}, given)
        equal(head['ExpiresString'], 'Mon, 02 Jan 2040 03:04:05 GMT')
        equal(head['Metadata']['mixed-case'], 'a  b')
        equal(head['Metadata']['empty'], '')
        # boto3 lets no other than ASCII through; what comes encoded as RFC 2047 goes back so, in whichever of its two encodings.
        encoded = '=?UTF-8?B?w7xuw69jw7ZkZQ==?='
        s3.client.put_object(**target, Body=b'', Metadata={'title': encoded})
        title = s3.client.head_object(**target)['Metadata']['title']
        equal(str(make_header(decode_header(title))), 'ünïcöde')


@scenario
def encrypts_with_a_key_of_the_customer(s3):
    with new_bucket(s3) as bucket:
        key = {'SSECustomerAlgorithm': 'AES256', 'SSECustomerKey': b'k' * 32}
        target = {'Bucket': bucket, 'Key': 'customer'}
        s3.client.put_object(**target, Body=b'hidden', **key)
        equal(body_of(s3.client.get_object(**target, **key)), b'hidden')
        equal(status_of(fails(ClientError, s3.client.get_object, **target)), 400)
        other = {**key, 'SSECustomerKey': b'o' * 32}
        equal(status_of(fails(ClientError, s3.client.get_object, **target, **other)), 403)


@scenario
def configures_buckets(s3):
    with new_bucket(s3) as bucket:
        equal(s3.client.get_bucket_location(Bucket=bucket)['LocationConstraint'], s3.region)
        rules = [{'AllowedMethods': ['GET', 'PUT'], 'AllowedOrigins': ['https://*.example.org'], 'MaxAgeSeconds': 9}]
        s3.client.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': rules})
        equal(s3.client.get_bucket_cors(Bucket=bucket)['CORSRules'], rules)
        s3.client.delete_bucket_cors(Bucket=bucket)
        equal(code_of(fails(ClientError, s3.client.get_bucket_cors, Bucket=bucket)), 'NoSuchCORSConfiguration')
        tags = [{'Key': 'team', 'Value': 'blau/grün'}]
        s3.client.put_bucket_tagging(Bucket=bucket, Tagging={'TagSet': tags})
        equal(s3.client.get_bucket_tagging(Bucket=bucket)['TagSet'], tags)
        s3.client.put_object(Bucket=bucket, Key='tagged', Body=b'', Tagging='a=b%20c')
        equal(s3.client.get_object_tagging(Bucket=bucket, Key='tagged')['TagSet'], [{'Key': 'a', 'Value': 'b c'}])
        s3.client.put_bucket_acl(Bucket=bucket, ACL='public-read')
        equal(len(s3.client.get_bucket_acl(Bucket=bucket)['Grants']), 2)


@scenario
def selects_from_objects(s3):
    with new_bucket(s3) as bucket:
        s3.client.put_object(Bucket=bucket, Key='people.csv', Body=b'name,age\nAda,36\nBob,7\n')

        def select(expression):
            answer = s3.client.select_object_content(
                Bucket=bucket,
                Key='people.csv',
                ExpressionType='SQL',
                Expression=expression,
                InputSerialization={'CSV': {'FileHeaderInfo': 'USE'}},
                OutputSerialization={'JSON': {}},
            )
            return list(answer['Payload'])

        events = select('SELECT s.name FROM S3Object s WHERE s.age > 10')
        equal([next(iter(event)) for event in events], ['Records', 'Stats', 'End'])
        equal(events[0]['Records']['Payload'], b'{"name":"Ada"}\n')
        equal(events[1]['Stats']['Details']['BytesProcessed'], 22)
        equal(code_of(fails(ClientError, select, 'SELECT FROM S3Object')), 'ParseEmptySelect')


if __name__ == '__main__':
    main(connect)

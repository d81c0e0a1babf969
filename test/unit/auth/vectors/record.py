"""Records requests as real clients send them, into clients.json next to this file.

Needs Python 3.11 with boto==2.49.0, boto3 and s3cmd; openssl; and, for the signed chunks, the jars of AWS SDK for Java v1
and v2 (JAVA_LIB=<folder>) and a Go with github.com/minio/minio-go/v7 (GO_RECORDER=<binary built from record.go>).
Every request goes to a server on the loopback that answers with as little as keeps the client content.
"""
import base64, hashlib, json, os, re, socket, ssl, subprocess, sys, tempfile, threading, time

ACCESS, SECRET = 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
TOKEN = 'session/token+with=characters'
HERE = os.path.dirname(os.path.abspath(__file__))
records, label, lock = [], [None], threading.Lock()


def read_request(stream):
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = stream.read(1)
        if not byte:
            return None
        head += byte
    lines = head.decode('latin1').split('\r\n')[:-2]
    method, target, _ = lines[0].split(' ')
    headers = [[n, v.strip(' ')] for n, v in (line.split(':', 1) for line in lines[1:])]
    lookup = {n.lower(): v for n, v in headers}
    return method, target, headers, lookup


def read_body(stream, lookup):
    if 'chunked' in lookup.get('transfer-encoding', ''):
        body = b''
        while True:
            size = int(stream.readline().strip(), 16)
            body += stream.read(size)
            stream.readline()
            if size == 0:
                return body
    return stream.read(int(lookup.get('content-length', '0')))


def segments(body):
    """Runs of 'a' as numbers, the rest as text: the payloads are all 'a'."""
    out = []
    for piece in re.findall(rb'a{64,}|(?:(?!a{64,}).)+', body, re.S):
        out.append(len(piece) if re.fullmatch(rb'a{64,}', piece) else piece.decode('latin1'))
    return out


def serve(connection):
    stream = connection.makefile('rb')
    while True:
        request = read_request(stream)
        if request is None:
            return
        method, target, headers, lookup = request
        if 'expect' in lookup:
            connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = read_body(stream, lookup)
        record = {'client': label[0], 'now': int(time.time() * 1000), 'method': method, 'target': target, 'headers': headers}
        if 'x-amz-decoded-content-length' in lookup:
            record['body'] = segments(body)
        with lock:
            records.append(record)
        answer = b'' if method != 'GET' else b'<?xml version="1.0"?><ListAllMyBucketsResult><Owner/><Buckets/></ListAllMyBucketsResult>'
        if 'uploads' in target and method == 'POST':
            answer = b'<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u1.x_y</UploadId></InitiateMultipartUploadResult>'
        etag = hashlib.md5(body).hexdigest()
        length = len(answer)
        connection.sendall((f'HTTP/1.1 {200 if method != "DELETE" else 204} OK\r\nETag: "{etag}"\r\nContent-Type: application/xml\r\n'
                            f'Content-Length: {length}\r\n\r\n').encode() + (b'' if method == 'HEAD' else answer))


def listen(tls=None):
    server = socket.create_server(('127.0.0.1', 0))

    def accept():
        while True:
            connection, _ = server.accept()
            def run(connection=connection):
                try:
                    serve(tls.wrap_socket(connection, server_side=True) if tls else connection)
                except OSError:
                    pass
            threading.Thread(target=run, daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def self_signed():
    folder = tempfile.mkdtemp()
    key, cert = folder + '/k.pem', folder + '/c.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def attempt(name, action):
    label[0] = name
    before = len(records)
    try:
        action()
    except Exception as error:  # The answers are minimal; what counts is what was sent.
        print(name, 'ended with', type(error).__name__, error, file=sys.stderr)
    if len(records) == before:
        print(name, 'SENT NOTHING', file=sys.stderr)


KEYS = ['plain.txt', 'with space+plus~tilde.txt', 'unicode-\u017elu\u0165/(paren)\'!*.txt', 'a//b']


def boto2(port):
    import boto
    from boto.s3.connection import OrdinaryCallingFormat, S3Connection, SubdomainCallingFormat
    from boto.s3.key import Key
    boto.config.add_section('Boto') if not boto.config.has_section('Boto') else None
    boto.config.set('Boto', 'num_retries', '0')
    for style, options in {
        'path': dict(host='127.0.0.1', port=port, calling_format=OrdinaryCallingFormat()),
        'vhost': dict(host='s3.example.com', port=80, proxy='127.0.0.1', proxy_port=port, calling_format=SubdomainCallingFormat()),
    }.items():
        connection = S3Connection(ACCESS, SECRET, is_secure=False, **options)
        bucket = connection.get_bucket('foobar', validate=False)
        attempt(f'boto2 {style} list buckets', connection.get_all_buckets)
        attempt(f'boto2 {style} create bucket', lambda: connection.create_bucket('foobar'))
        attempt(f'boto2 {style} list', lambda: bucket.get_all_keys(prefix='a b', delimiter='/'))
        attempt(f'boto2 {style} acl', lambda: bucket.set_acl('public-read'))
        attempt(f'boto2 {style} delete many', lambda: bucket.delete_keys(['a', 'b']))
        for name in KEYS:
            key = Key(bucket, name)
            key.set_metadata('note', 'two  spaces')
            attempt(f'boto2 {style} put {name}', lambda: key.set_contents_from_string('content', policy='public-read'))
        attempt(f'boto2 {style} overrides', lambda: bucket.get_key('plain.txt', validate=False).get_contents_as_string(
            response_headers={'response-content-disposition': 'attachment; filename="x&y.txt"'}))
        attempt(f'boto2 {style} multipart', lambda: bucket.initiate_multipart_upload('big').upload_part_from_file(
            __import__('io').BytesIO(b'part'), 1))


def presigned_get(url, port):
    import urllib.request
    urllib.request.build_opener(urllib.request.ProxyHandler({'http': f'http://127.0.0.1:{port}'})).open(url).read()


def boto2_presigned(port):
    from boto.s3.connection import OrdinaryCallingFormat, S3Connection
    connection = S3Connection(ACCESS, SECRET, is_secure=False, host='s3.example.com', calling_format=OrdinaryCallingFormat())
    attempt('boto2 presigned', lambda: presigned_get(connection.generate_url(600, 'GET', 'foobar', 'with space.txt'), port))
    attempt('boto2 presigned overrides', lambda: presigned_get(connection.generate_url(
        600, 'GET', 'foobar', 'k', response_headers={'response-content-type': 'text/plain; charset=utf-8'}), port))


def s3cmd(port):
    import S3
    script = os.path.join(os.path.dirname(sys.executable), 's3cmd')
    work = tempfile.mkdtemp()
    for version in ('True', 'False'):
        config = f'{work}/s3cfg-{version}'
        with open(config, 'w') as file:
            file.write(f'''[default]
access_key = {ACCESS}
secret_key = {SECRET}
check_ssl_certificate = False
enable_multipart = True
encoding = UTF-8
encrypt = False
host_base = s3.example.com
host_bucket = %(bucket)s.s3.example.com
proxy_host = 127.0.0.1
proxy_port = {port}
server_side_encryption = True
signature_v2 = {version}
use_https = False
verbosity = WARNING
max_retries = 1
preserve_attrs = False
multipart_chunk_size_mb = 5
''')
        with open(work + '/file', 'w') as file:
            file.write('content')
        def run(*arguments):
            subprocess.run([sys.executable, script, '-c', config, *arguments], capture_output=True, timeout=60)
        kind = 's3cmd v2' if version == 'True' else 's3cmd v4'
        attempt(f'{kind} mb', lambda: run('mb', 's3://foobar'))
        attempt(f'{kind} ls', lambda: run('ls'))
        attempt(f'{kind} ls prefix', lambda: run('ls', 's3://foobar/a b/'))
        attempt(f'{kind} setacl', lambda: run('setacl', '--acl-public', 's3://foobar/plain.txt'))
        attempt(f'{kind} cp', lambda: run('cp', 's3://foobar/a b', 's3://foobar/c d'))
        for name in KEYS:
            attempt(f'{kind} put {name}', lambda: run('put', work + '/file', f's3://foobar/{name}'))
        url = subprocess.run([sys.executable, script, '-c', config, '--content-disposition=attachment; filename="a b.txt"',
                              'signurl', 's3://foobar/with space.txt', '+600'], capture_output=True, text=True).stdout.strip()
        attempt(f'{kind} signurl', lambda: presigned_get(url, port))


def botocore(http, https):
    import boto3
    from botocore.client import Config
    import urllib3
    urllib3.disable_warnings()
    for version in ('s3', 's3v4'):
        for style in ('path', 'virtual'):
            endpoint = f'http://127.0.0.1:{http}' if style == 'path' else 'http://s3.example.com'
            for token in (None, TOKEN):
                client = boto3.client('s3', endpoint_url=endpoint, region_name='eu-west-1', aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
                                      aws_session_token=token, config=Config(
                                          signature_version=version, s3={'addressing_style': style}, retries={'max_attempts': 0},
                                          proxies=None if style == 'path' else {'http': f'http://127.0.0.1:{http}'}))
                kind = f'botocore {version} {style}{" token" if token else ""}'
                attempt(f'{kind} list buckets', client.list_buckets)
                if token:
                    attempt(f'{kind} presigned', lambda: presigned_get(client.generate_presigned_url(
                        'get_object', {'Bucket': 'foobar', 'Key': 'a b'}, 600), http))
                    continue
                attempt(f'{kind} list v2', lambda: client.list_objects_v2(Bucket='foobar', Prefix='a b+c/', Delimiter='/', StartAfter='~x'))
                attempt(f'{kind} list v1', lambda: client.list_objects(Bucket='foobar', Marker='\u017e', EncodingType='url'))
                attempt(f'{kind} tagging', lambda: client.get_object_tagging(Bucket='foobar', Key='k', VersionId='v.1'))
                attempt(f'{kind} create upload', lambda: client.create_multipart_upload(Bucket='foobar', Key='k', Metadata={'a': '1', 'b': '2  3'}))
                attempt(f'{kind} part', lambda: client.upload_part(Bucket='foobar', Key='k', UploadId='u/1+2', PartNumber=3, Body=b'x'))
                for name in KEYS:
                    attempt(f'{kind} put {name}', lambda: client.put_object(Bucket='foobar', Key=name, Body=b'content', ACL='private'))
                url = client.generate_presigned_url('get_object', {'Bucket': 'foobar', 'Key': "a b/(c)'.txt", 'VersionId': 'v1',
                                                                   'ResponseContentDisposition': 'attachment; filename="x&y.txt"'}, 600)
                attempt(f'{kind} presigned', lambda: presigned_get(url, http))
    trailer = boto3.client('s3', endpoint_url=f'https://127.0.0.1:{https}', region_name='us-east-1', verify=False, aws_access_key_id=ACCESS,
                           aws_secret_access_key=SECRET, config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 0}))
    attempt('botocore trailer', lambda: trailer.put_object(Bucket='foobar', Key='k', Body=b'a' * 70000))
    attempt('botocore trailer gzip', lambda: trailer.put_object(Bucket='foobar', Key='k', Body=b'a' * 100, ContentEncoding='gzip'))


def posts():
    import boto3
    from botocore.client import Config
    out = []
    for version in ('s3', 's3v4'):
        for token in (None, TOKEN):
            client = boto3.client('s3', region_name='eu-west-1', aws_access_key_id=ACCESS, aws_secret_access_key=SECRET, aws_session_token=token,
                                  config=Config(signature_version=version))
            form = client.generate_presigned_post('foobar', 'user/${filename}', Fields={'acl': 'private', 'Content-Type': 'text/plain'},
                                                  Conditions=[{'acl': 'private'}, ['starts-with', '$Content-Type', 'text/'], ['content-length-range', 1, 100]],
                                                  ExpiresIn=600)
            out.append({'client': f'botocore {version}{" token" if token else ""} post', 'now': int(time.time() * 1000),
                        'fields': form['fields'], **({'token': token} if token else {})})
    return out


def external(port):
    if 'JAVA_LIB' in os.environ:
        attempt('java', lambda: subprocess.run(['java', '-Dos.version=0', '-Djava.version=17', '-Djava.vm.version=17', '-Djava.vendor=any', '-cp', os.environ['JAVA_LIB'] + '/*', os.path.join(HERE, 'Record.java'), str(port), ACCESS, SECRET],
                                               check=True, timeout=120))
    if 'GO_RECORDER' in os.environ:
        attempt('minio-go', lambda: subprocess.run([os.environ['GO_RECORDER'], str(port), ACCESS, SECRET], check=True, timeout=120))


def main():
    os.environ['TZ'] = 'UTC'
    http, https = listen(), listen(self_signed())
    boto2(http)
    boto2_presigned(http)
    s3cmd(http)
    botocore(http, https)
    external(http)
    seen, requests = set(), []
    for record in records:
        authorization = dict(record['headers']).get('Authorization', '')
        scheme = authorization.split(' ')[0]
        unsigned = {'proxy-connection', 'accept-encoding', 'user-agent', 'amz-sdk-invocation-id', 'amz-sdk-request'}
        unsigned -= set(re.sub(r'.*SignedHeaders=([^,]*),.*', r'\1', authorization).split(';'))
        record['headers'] = [[n, v] for n, v in record['headers'] if n.lower() not in unsigned]
        text = scheme + record['client'] + record['method'] + record['target'].split('?')[0]
        if text not in seen:
            seen.add(text)
            requests.append(record)
    with open(os.path.join(HERE, 'clients.json'), 'w') as file:
        json.dump({'accessKey': ACCESS, 'secret': SECRET, 'sessionToken': TOKEN, 'requests': requests, 'posts': posts()}, file, indent=1)
    print(len(requests), 'requests')


main()

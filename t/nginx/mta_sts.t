# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Policies over HTTP (RFC 8461 3.3).

use TLSRPT::Test;

my $PATH = '/.well-known/mta-sts.txt';
my $LOCATION = "location = $PATH { mta_sts; }";
my $TEXT = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\n"
         . "mx: *.example.net\r\nmax_age: 604800\r\n";

my $t = servers(nginx => 0, http => <<'END', server => <<"END");
    mta_sts_policy example.com mode=enforce max_age=7d
                   mx=MX.example.com mx=*.example.net;
    mta_sts_policy Example.ORG. mode=none max_age=604800;
    mta_sts_policies %%DIR%%/policies/*.txt;

    server {
        listen unix:%%DIR%%/h2.sock http2;
        location = /.well-known/mta-sts.txt { mta_sts; }
    }

    server {
        listen unix:%%DIR%%/odd.sock;
        charset koi8-r;
        override_charset on;
        add_header X-Test yes always;
        location = /.well-known/mta-sts.txt { mta_sts; }
    }
END
        charset utf-8;
        $LOCATION
        location = /page.shtml { ssi on; ssi_types *; root %%DIR%%; }
END

mkdir $t->dir . '/policies';
# A file may say more, and less neatly, than what is served.
$t->write_file('policies/example.net.txt', "version:STSv1\nmode:  testing \n"
    . "mx: a.example.net\nmx: b.example.net.\nmax_age: 2592000\n"
    . "mode: none\nfoo: bar\n");
$t->write_file("policies/b\xc3\xbccher.example.txt",
    "version: STSv1\nmode: none\nmax_age: 604800\n");
$t->write_file('page.shtml', qq([<!--#include virtual="$PATH" -->]));
$t->start_nginx;

sub policy { my ($host, %opt) = @_; return $t->get($PATH, host => $host, %opt) }

# All headers of an answer, by hand: a name may come twice.
sub headers {
    my ($answer) = @_;

    my ($head) = $answer =~ /^(.*?\r\n)\r\n/s;
    return $head;
}

sub exchange {
    my ($socket, $request) = @_;

    print $socket $request;
    $socket->flush;
    local $/;

    return scalar <$socket>;
}

my $get = policy('mta-sts.example.com');
is $get->{status}, 200, 'a policy';
is $get->{body}, $TEXT, 'its text, in CRLF lines';
is $get->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'its type';
is $get->{headers}{'content-length'}, length $TEXT, 'its length';
is $get->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff';

my $head = $t->request('HEAD', $PATH, host => 'mta-sts.example.com');
is $head->{status}, 200, 'HEAD';
is_deeply { %{ $head->{headers} }, date => '' },
    { %{ $get->{headers} }, date => '' }, 'has the headers of GET';

like exchange($t->connection, "HEAD $PATH HTTP/1.1\r\n"
    . "Host: mta-sts.example.com\r\nConnection: close\r\n\r\n"),
    qr/\r\n\r\n\z/, 'and no body';

# Charsets asked for elsewhere are not added to the one of the policy.
for my $server (qw(nginx odd)) {
    my $socket = IO::Socket::UNIX->new(Peer => $t->dir . "/$server.sock");
    my $lines = headers(exchange($socket, "GET $PATH HTTP/1.1\r\n"
        . "Host: mta-sts.example.com\r\nConnection: close\r\n\r\n"));
    is_deeply [$lines =~ /^(content-type:.*?)\r$/mig],
        ['Content-Type: text/plain; charset=utf-8'], "one charset, $server";
    is_deeply [$lines =~ /^(content-length|x-content-type-options):/mig],
        [qw(Content-Length X-Content-Type-Options)], 'each header once';
}

# The host

is policy($_)->{body}, $TEXT, "Host: $_"
    for qw(MTA-STS.Example.COM mta-sts.example.com. mta-sts.example.com:443
           mta-sts.example.com.:8443);
is policy($_)->{status}, 404, "Host: $_ is unknown"
    for qw(example.com mta-sts.example mta-sts. mta-sts localhost 192.0.2.1
           mta-sts.a.example.com xmta-sts.example.com mta-stsxexample.com
           mta-sts.mta-sts.example.com mta-sts.xn--bcher-kva.example.com
           mta-sts.examplescom [2001:db8::1]);
is policy('mta-sts.example.org')->{body},
    "version: STSv1\r\nmode: none\r\nmax_age: 604800\r\n", 'without mx';
is policy('mta-sts.example.net')->{body}, "version: STSv1\r\nmode: testing\r\n"
    . "mx: a.example.net\r\nmx: b.example.net\r\nmax_age: 2592000\r\n",
    'of a file';
is policy('mta-sts.xn--bcher-kva.example')->{status}, 200,
    'of a file with a U-label for its name';

my $answer = exchange($t->connection, "GET $PATH HTTP/1.0\r\n\r\n");
like $answer, qr{^HTTP/1\.1 404 }, 'HTTP/1.0 without a host';
$answer = exchange($t->connection,
                   "GET $PATH HTTP/1.0\r\nHost: mta-sts.example.com\r\n\r\n");
like $answer, qr{^HTTP/1\.1 200 .*\r\n\r\n\Q$TEXT\E\z}s, 'and with one';
$answer = exchange($t->connection, "GET http://mta-sts.example.com$PATH "
    . "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
like $answer, qr{\r\n\r\n\Q$TEXT\E\z}, 'the host of an absolute URI';

# The method

for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
    my $refused = $t->request($method, $PATH, host => 'mta-sts.example.com',
                              body => 'x' x 100);
    is $refused->{status}, 405, $method;
    is $refused->{headers}{allow}, 'GET, HEAD', 'is told what is allowed';
}

my $next = "GET $PATH HTTP/1.1\r\nHost: mta-sts.example.com\r\n";
$answer = exchange($t->connection, "POST $PATH HTTP/1.1\r\n"
    . "Host: mta-sts.example.com\r\nContent-Length: 5\r\n\r\nhello"
    . "${next}Content-Length: 5\r\n\r\nhello${next}Connection: close\r\n\r\n");
is_deeply [$answer =~ m{^HTTP/1\.1 (\d+)}mg], [405, 200, 200],
    'bodies are read away';

# Nothing but the whole policy: senders take a 200 alone, and must not cache
# as HTTP does (RFC 8461 3.3)

is policy('mta-sts.example.com', headers => [$_->[0], $_->[1]])->{status}, 200,
    "$_->[0]: $_->[1]"
    for ['If-None-Match', '*'], ['If-Match', '"x"'],
        ['If-Modified-Since', 'Thu, 01 Jan 2026 00:00:00 GMT'],
        ['Accept', 'application/json'];
is policy('mta-sts.example.com', headers => ['Range' => 'bytes=0-3'])->{body},
    $TEXT, 'Range';
is $t->get($_, host => 'mta-sts.example.com')->{status}, 404, $_
    for "$PATH/", '/.well-known/MTA-STS.txt', '/.well-known', '/mta-sts.txt';
is $t->get("$PATH?a=b", host => 'mta-sts.example.com')->{body}, $TEXT,
    'arguments do not matter';

# Within another page

my $page = $t->get('/page.shtml', host => 'mta-sts.example.com');
is $page->{body}, "[$TEXT]", 'a subrequest';
unlike $page->{headers}{'content-type'}, qr/plain/, 'leaves the page its type';

# HTTP/2

my @curl = ('curl', '-s', '--http2-prior-knowledge', '--unix-socket',
            $t->dir . '/h2.sock', "http://mta-sts.example.com$PATH");
open my $curl, '-|', @curl, '-i' or die "curl: $!";
binmode $curl;
$answer = do { local $/; <$curl> };
close $curl or die "curl: $?";
like $answer, qr{^HTTP/2 200 .*\r\n\r\n\Q$TEXT\E\z}s, 'HTTP/2';
like $answer, qr{^content-type: text/plain; charset=utf-8\r$}m, 'its type';
like $answer, qr{^x-content-type-options: nosniff\r$}m, 'nosniff';
open $curl, '-|', @curl, '-I' or die "curl: $!";
binmode $curl;
$answer = do { local $/; <$curl> };
close $curl or die "curl: $?";
like $answer, qr{^HTTP/2 200 .*\r\n\r\n\z}s, 'HEAD over HTTP/2';

# A new policy after a reload

$t->write_file('policies/example.net.txt',
    "version: STSv1\nmode: enforce\nmx: a.example.net\nmax_age: 2592000\n");
$t->write_file('policies/new.example.txt',
    "version: STSv1\r\nmode: none\r\nmax_age: 604800\r\n");
$t->reload;
like policy('mta-sts.example.net')->{body}, qr/mode: enforce/, 'after a reload';
is policy('mta-sts.new.example')->{status}, 200, 'another domain';
is policy('mta-sts.example.com')->{body}, $TEXT, 'the others stay';

# Many

my $many = servers(nginx => 0, http => join('', map {
    "    mta_sts_policy d$_.example mode=enforce max_age=${_}w mx=mx$_.example"
    . ".com;\n" } 1 .. 50) . '    mta_sts_policies %%DIR%%/*.txt;',
    server => $LOCATION);
$many->write_file("f$_.example.txt",
    "version: STSv1\nmode: none\nmax_age: " . (604800 + $_) . "\n")
    for 1 .. 3000;
$many->start_nginx;
is_deeply [grep {
    $many->get($PATH, host => "mta-sts.d$_.example")->{body}
        !~ /mx: mx$_\.example\.com\r\n/
} 1 .. 50], [], 'each of many directives is served';
is_deeply [grep {
    $many->get($PATH, host => "mta-sts.f$_.example")->{body}
        !~ /max_age: @{[604800 + $_]}\r\n/
} 1 .. 3000], [], 'each of many files is served';

# None at all

my $none = servers(server => $LOCATION);
is $none->get($PATH, host => 'mta-sts.example.com')->{status}, 404,
    'no policies';

done_testing;

#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Records to publish, and the tools that check records and policies.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain a.example;
    tlsrpt_domain .b.example token=t0ken;
    tlsrpt_domain bare.example;
    tlsrpt_report_uri https://reports.example.net/v1/tlsrpt
        mailto:tls-reports@example.net;
    mta_sts_policy a.example mode=testing max_age=7d mx=mx.a.example mx=*.b.example;
    mta_sts_policy x.b.example mode=enforce max_age=1h mx=mx.b.example;
END
        location /tlsrpt/ { tlsrpt_stats; }
END

sub get {
    my ($path, @headers) = @_;

    return $t->get("/tlsrpt/$path", headers => [@headers]);
}

sub records {
    my ($domain) = @_;

    return { map { ("$_->{type} $_->{name}" => $_->{value}) }
        @{ decode_json(get("domains/$domain/records")->{body})->{records} } };
}

sub escape {
    my ($text) = @_;

    $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub check {
    my ($txt) = @_;

    return decode_json(get('tools/record?txt=' . escape($txt))->{body});
}

# Every finding as "at: message", the errors first.
sub findings {
    my ($answer) = @_;

    return join '; ', map { my $kind = $_;
        map { "$kind $_->{at} $_->{message} [$_->{section}]" }
            @{ $answer->{"${kind}s"} } } 'error', 'warning';
}


# Records to publish

my $policy = decode_json(get('domains/a.example/policy')->{body});
my $id = $policy->{policy}{id};
like $id, qr/^[A-Za-z0-9]{1,32}\z/, 'the id of a policy';
is_deeply $policy->{policy}{mx}, ['mx.a.example', '*.b.example'], 'its mx';
is "$policy->{policy}{mode} $policy->{policy}{'max-age'}", 'testing 604800',
    'its mode and age';
like $policy->{policy}{text}, qr/\Aversion: STSv1\r\nmode: testing\r\n/,
    'its text';

is_deeply records('a.example'), {
    'TXT _smtp._tls.a.example' => 'v=TLSRPTv1; '
        . 'rua=mailto:tls-reports@example.net,'
        . 'https://reports.example.net/v1/tlsrpt',
    'TXT _mta-sts.a.example' => "v=STSv1; id=$id",
    'CNAME mta-sts.a.example' => 'reports.example.net.',
}, 'all records of a domain';

is records('b.example')->{'TXT _smtp._tls.b.example'}, 'v=TLSRPTv1; '
    . 'rua=mailto:tls-reports@example.net,'
    . 'https://reports.example.net/v1/tlsrpt/t0ken', 'the token in the https: URI alone';
is records('deep.b.example')->{'TXT _smtp._tls.deep.b.example'},
    'v=TLSRPTv1; rua=mailto:tls-reports@example.net,'
    . 'https://reports.example.net/v1/tlsrpt/t0ken', 'a subdomain has the same token';

my $zone = get('domains/a.example/records', Accept => 'text/plain');
is $zone->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'a zone file';
is join('|', grep { !/^;/ } split /\n/, $zone->{body}), join('|',
    '_smtp._tls.a.example. 3600 IN TXT "v=TLSRPTv1; '
    . 'rua=mailto:tls-reports@example.net,'
    . 'https://reports.example.net/v1/tlsrpt"',
    'mta-sts.a.example. 3600 IN CNAME reports.example.net.',
    "_mta-sts.a.example. 3600 IN TXT \"v=STSv1; id=$id\""),
    'its lines';

like join(' ', @{ decode_json(get('domains/bare.example/records')->{body})
    ->{advice} }), qr/No MTA-STS policy is served/, 'advice without a policy';
is get('domains/nowhere.example/records')->{status}, 404, 'an unknown domain';
is get('domains/a.example/records?x=1')->{status}, 400, 'a parameter';


# Records that are given

for my $good (
    'v=TLSRPTv1;rua=mailto:reports@example.com',
    'v=TLSRPTv1; rua=mailto:a@example.com',
    'v=TLSRPTv1; rua=mailto:a@example.com ; ',
    'v=TLSRPTv1; rua=mailto:a@example.com,https://r.example.com/x',
    'v=TLSRPTv1; rua=mailto:a@example.com?subject=x , https://r.example.com/x',
    '"v=TLSRPTv1; " "rua=mailto:a@example.com"',
    'v=STSv1; id=20160831085700Z;',
    'v=STSv1;id=a',
) {
    is_deeply [@{ check($good) }{qw(valid errors warnings)}],
        [JSON::PP::true, [], []], $good;
}

is_deeply check('v=TLSRPTv1; rua=https://r.example.com/x , mailto:a@b.example')
    ->{rua}, ['https://r.example.com/x', 'mailto:a@b.example'], 'the rua';

for (
    ['', qr/^error 0 neither a TLS reporting record/],
    ['v=tlsrptv1; rua=mailto:a@example.com', qr/^error 0 neither/],
    ['v=TLSRPTv1', qr/^error 10 rua is missing/],
    ['v=TLSRPTv1 rua=mailto:a@example.com', qr/^error 11 a semicolon/],
    ['v=TLSRPTv1; rua=', qr/^error 16 a URI is missing/],
    ['v=TLSRPTv1; rua=mailto:a@example.com,', qr/^error 37 a URI is missing/],
    ['v=TLSRPTv1; rua=a@example.com', qr/^error 16 not a URI/],
    ['v=TLSRPTv1; rua=mailto:example.com', qr/^error 23 not a mail address/],
    ['v=TLSRPTv1; rua=https:///x', qr/^error 16 the host is missing/],
    ['v=TLSRPTv1; rua=mailto:a b@example.com', qr/^error 24 a character/],
    ['v=TLSRPTv1; rua=https://example.com/%2', qr/^error 36 a percent sign/],
    ['v=TLSRPTv1; rua=mailto:a@example.com; =x', qr/^error 38 not a field/],
    ['v=TLSRPTv1; rua=mailto:a@example.com; x', qr/^error 39 not a field/],
    ['v=TLSRPTv1; rua=mailto:a@example.com; x=', qr/^error 40 the field's/],
    ['v=STSv1', qr/^error 7 id is missing/],
    ['v=STSv1; id=', qr/^error 12 an id has 1 to 32/],
    ['v=STSv1; id=' . 'a' x 33, qr/^error 12 an id has 1 to 32/],
    ['v=STSv1; id=2016-08', qr/^error 16 an id consists/],
    ["v=STSv1; id=1\nv=STSv1; id=2", qr/^error 0 several records/],
    ['"v=STSv1; id=1', qr/^error 14 the closing quotation mark/],
) {
    my ($txt, $like) = @$_;
    my $answer = check($txt);

    like findings($answer), $like, $txt =~ s/\n/\\n/r;
    ok !$answer->{valid}, 'is not valid';
}

for (
    ['v=TLSRPTv1; rua=https://r.example.com/', qr/no mailto: URI/],
    ['v=TLSRPTv1; rua=https://r.example.com/,mailto:a@b.example',
        qr/warning 16 .*the first URI only/],
    ['v=TLSRPTv1; rua=http://r.example.com/,mailto:a@b.example', qr/http: URIs/],
    ['v=TLSRPTv1 ; rua=mailto:a@example.com', qr/warning 10 .*discard/],
    ["v=TLSRPTv1; rua=mailto:a\@b.example\nother", qr/discard/],
    ['v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example',
        qr/a second rua/],
    ['v=TLSRPTv1; rua=mailto:a@b.example; x=y', qr/does not know/],
    ['v=TLSRPTv1; rua=ftp://a.example/', qr/mailto: and https: URIs only/],
) {
    my ($txt, $like) = @$_;
    my $answer = check($txt);

    like findings($answer), $like, $txt;
    ok $answer->{valid}, 'is valid';
}

my $made = decode_json(get('tools/record?rua='
    . escape('https://r.example.com/a;b, mailto:x!y@example.com'))->{body});
is $made->{record}{value}, 'v=TLSRPTv1; rua=mailto:x%21y@example.com,'
    . 'https://r.example.com/a%3Bb', 'made, encoded, with mailto: first';
is findings($made), '', 'and found good';
$made = decode_json(get('tools/record?rua=' . escape('mailto:nobody'))->{body});
is_deeply [@$made{qw(valid record)}], [JSON::PP::false, undef],
    'of what is wrong nothing to paste';

is get('tools/record')->{status}, 400, 'neither txt nor rua';
is get('tools/record?txt=a&rua=b')->{status}, 400, 'both';
is get('tools/record?txt=a&txt=b')->{status}, 400, 'twice';
is $t->post('/tlsrpt/tools/record', '')->{status}, 405, 'POST';


# Policies that are given

sub policy {
    my ($text, %opt) = @_;

    return $t->post('/tlsrpt/tools/policy', $text, %opt);
}

my $answer = decode_json(policy("version: STSv1\nmode: enforce\n"
    . "mx: mx.example.com\nmax_age: 604800\n")->{body});
ok $answer->{valid}, 'a good policy';
is_deeply $answer->{policy}, { mode => 'enforce', 'max-age' => 604800,
    mx => ['mx.example.com'] }, 'what it says';
like $answer->{id}, qr/^[A-Za-z0-9]{1,32}\z/, 'and an id';

$answer = decode_json(policy("version: STSv1\nmode: enforced\n"
    . "mx: a.*.example.com\nmax_age: 604800\n")->{body});
ok !$answer->{valid}, 'a bad one';
is join(' ', map { $_->{at} } @{ $answer->{errors} }), '2 3', 'by line';
is $answer->{policy}, undef, 'has no content';

is policy('x' x 65537)->{status}, 413, 'too long a policy';
is policy('', chunks => ["version: STSv1\nmode: none\n", "max_age: 1\n"])
    ->{status}, 200, 'in chunks';
# A body that nobody reads is no request of its own.
my $body = "GET /tlsrpt/tools/body HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $socket = $t->connection;
print $socket "POST /tlsrpt/tools/policy?no=1 HTTP/1.1\r\nHost: localhost\r\n"
    . 'Content-Length: ' . length($body) . "\r\n\r\n$body"
    . "GET /tlsrpt/tools/record?rua=mailto:a\@example.com HTTP/1.1\r\n"
    . "Host: localhost\r\nConnection: close\r\n\r\n";
my $answers = do { local $/; <$socket> };
is join(' ', $answers =~ m{HTTP/1.1 (\d+) }g), '400 200',
    'a body that is not read';

is get('tools/policy')->{status}, 405, 'GET';
is get('tools/policy')->{headers}{allow}, 'POST', 'tells what is allowed';

done_testing;

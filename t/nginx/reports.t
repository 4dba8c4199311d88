#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The list of a domain's reports, each report in its forms, and what the list
# tells of the senders.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Compress::Zlib ();
use IO::Compress::Gzip qw(gzip);

use TLSRPT::FakeRedis;
use TLSRPT::Test;

binmode Test::More->builder->output, ':utf8';

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
    tlsrpt_domain example.org;
    tlsrpt_domain page.example;
    tlsrpt_domain xn--bcher-kva.example;
END
        location /v1/tlsrpt { tlsrpt_collect; client_body_buffer_size 1k; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /com/ { tlsrpt_stats; tlsrpt_scope example.com; }
        location /small/ { tlsrpt_stats; tlsrpt_max_report_size 10; }
END

my $URL = '/tlsrpt/domains/example.com/reports';

sub gzipped {
    my ($text) = @_;

    gzip(\$text, \my $bytes) or die;

    return $bytes;
}

sub post {
    my ($body, @headers) = @_;

    my $answer = $t->post('/v1/tlsrpt', $body, headers => \@headers);
    $answer->{status} == 201 or die "$answer->{status} $answer->{body}";

    return $answer;
}

sub reports {
    my ($query, $url) = @_;

    my $answer = $t->get(($url || $URL) . ($query ? "?$query" : ''));
    $answer->{status} == 200 or die "$answer->{status} $answer->{body}";

    return $answer->{json};
}

sub form { return $t->get($_[0], headers => [Accept => $_[1]]) }


# Nothing yet

is_deeply reports(), { domain => 'example.com', from => day(-29),
    to => today(), reports => [], next => undef }, 'no reports';
is_deeply $t->get('/tlsrpt/domains/example.com/senders')->{json},
    { domain => 'example.com', from => day(-29), to => today(),
      senders => [] }, 'no senders';


# One of each

my $plain = JSON::PP->new->utf8->canonical->pretty->encode(report());
post($plain);
my $second = report(day => day(-2), 'report-id' => 'second',
    'organization-name' => 'Zweite GmbH & Söhne "<b>"');
$second->{policies}[0]{'failure-details'} = [];
$second->{policies}[0]{summary}{'total-failure-session-count'} = 0;
my $gzip = gzipped(encode_json($second));
post($gzip);

my @list = @{ reports()->{reports} };
my $id = $list[0]{id};

is scalar(@list), 2, 'two reports';
like $id, qr/^\d{8}-0-[0-9a-f]{8}$/, 'an id';
is substr($id, 0, 8), day(-1) =~ s/-//gr, 'of its day';

my %first = %{ $list[0] };
like delete $first{received}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    'when it came';
is_deeply \%first, {
    id => $id, 'organization-name' => 'Example Sender',
    'report-id' => day(-1) . '-example.com',
    'start-datetime' => day(-1) . 'T00:00:00Z',
    'end-datetime' => day(-1) . 'T23:59:59Z', via => 'https',
    'signed-by' => undef, 'total-successful-session-count' => 100,
    'total-failure-session-count' => 3, warnings => 0,
}, 'the members of a report in the list';
is $list[1]{'organization-name'}, 'Zweite GmbH & Söhne "<b>"', 'newest first';


# The report as JSON

my $answer = $t->get("$URL/$id");
my %report = %{ $answer->{json} };

is $answer->{status}, 200, 'one report';
is $answer->{headers}{'content-type'}, 'application/json; charset=utf-8',
    'JSON';
is $answer->{headers}{vary}, 'Accept', 'there are other forms';
is $answer->{headers}{'cache-control'}, 'no-store', 'not to be kept';
is_deeply [sort keys %report], [sort keys %{ $list[0] },
    qw(contact-info size policies)], 'its members';
is $report{$_}, $list[0]{$_}, $_ for grep { $_ ne 'warnings' }
    sort keys %{ $list[0] };
is $report{size}, length $plain, 'its size';
is $report{'contact-info'}, 'tlsrpt@sender.example', 'the contact';
is_deeply $report{warnings}, [], 'no warnings';
is_deeply $report{policies}, [{
    'policy-type' => 'sts', 'policy-domain' => 'example.com',
    'policy-string' => ['version: STSv1', 'mode: enforce',
                        'mx: mx.example.com', 'max_age: 604800'],
    'mx-host' => ['mx.example.com'],
    'total-successful-session-count' => 100,
    'total-failure-session-count' => 3,
    'failure-details' => [{
        'result-type' => 'certificate-expired',
        'sending-mta-ip' => '192.0.2.1',
        'receiving-mx-hostname' => 'mx.example.com',
        'receiving-mx-helo' => undef, 'receiving-ip' => '198.51.100.1',
        'failed-session-count' => 3, 'additional-information' => undef,
        'failure-reason-code' => undef,
    }],
}], 'its policies';


# As text

$answer = form("$URL/$id", 'text/plain');
is $answer->{status}, 200, 'as text';
is $answer->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'its type';
like $answer->{body}, qr/^From: +Example Sender\n/m, 'who';
like $answer->{body}, qr/^Covers from: +\Q${\ day(-1) }\ET00:00:00Z\n/m, 'when';
like $answer->{body}, qr/^Came by: +HTTPS\n/m, 'how';
like $answer->{body}, qr/^Mail\ to\ example\.com\n-+\n
    100\ sessions\ succeeded\ and\ 3\ failed/mx, 'how many';
like $answer->{body}, qr/mode: enforce/, 'under which policy';
like $answer->{body}, qr/^ +What: +certificate-expired\n/m, 'what failed';
like $answer->{body}, qr/^ +What to do:\n +Look at every "NotAfter"/m,
    'what to do';
cmp_ok((sort { $b <=> $a } map { length } split /\n/, $answer->{body})[0],
       '<=', 79, 'no long lines');
my $text_length = length $answer->{body};


# As it came

for (['application/tlsrpt+gzip', 'application/tlsrpt+gzip', 0, '.gz'],
    ['application/tlsrpt+json', 'application/tlsrpt+json', 0, ''],
    ['application/octet-stream', 'application/tlsrpt+gzip', 1, '.gz'],
    ['application/tlsrpt+json', 'application/tlsrpt+json', 1, ''],
    ['application/tlsrpt+gzip', 'application/tlsrpt+gzip', 1, '.gz'])
{
    my ($accept, $type, $n, $suffix) = @$_;
    my $answer = form("$URL/$list[$n]{id}", $accept);
    my $text = $suffix ? Compress::Zlib::memGunzip($answer->{body})
                       : $answer->{body};

    is $answer->{status}, 200, "the original, as $accept";
    is $answer->{headers}{'content-type'}, $type, 'says what it is';
    ok $text eq ($n ? encode_json($second) : $plain), 'byte for byte';
    like $answer->{headers}{'content-disposition'}, qr/^attachment;
        \x20filename="[A-Za-z0-9.-]+!example\.com!\d+!\d+!\Q$list[$n]{id}\E
        \.json\Q$suffix\E"$/x, 'a safe name';
}

like form("$URL/$list[1]{id}", 'application/tlsrpt+gzip')
         ->{headers}{'content-disposition'}, qr/"Zweite-GmbH---S--hne---b--!/,
    'of letters and digits';

# a body in nginx's temporary file, with more than one read
my $big = report('report-id' => 'big');
$big->{policies}[0]{'failure-details'} = [map { {
    'result-type' => 'certificate-expired', 'failed-session-count' => 1,
    'sending-mta-ip' => "192.0.2.$_" } } 1 .. 250];
$big = JSON::PP->new->utf8->pretty->encode($big);
post($big);
my ($big_id) = map { $_->{id} }
    grep { $_->{'report-id'} eq 'big' } @{ reports()->{reports} };
ok form("$URL/$big_id", 'application/tlsrpt+json')->{body} eq $big,
    'a large one, byte for byte';
like form("$URL/$big_id", 'text/plain')->{body},
    qr/and more failures than this text lists/, 'its page is bounded';
is $t->get("/small/domains/example.com/reports/$big_id")->{status}, 200,
    'what was once accepted is shown';


# HEAD, Accept, parameters, methods

for my $accept ('application/json', 'text/plain', 'application/tlsrpt+json') {
    my $get = form("$URL/$id", $accept);
    my $head = $t->request('HEAD', "$URL/$id", headers => [Accept => $accept]);
    delete $_->{headers}{date} for $get, $head;

    is_deeply $head->{headers}, $get->{headers}, "HEAD as GET: $accept";
    is $head->{headers}{'content-length'}, length $get->{body}, 'the length';
}

is form("$URL/$id", 'text/*')->{headers}{'content-type'},
    'text/plain; charset=utf-8', 'text/*';
is form("$URL/$id", 'text/html, */*;q=0.8')->{headers}{'content-type'},
    'application/json; charset=utf-8', 'a browser';
is form("$URL/$id", '*/*;q=0')->{status}, 406, 'nothing is wanted';
is form($URL, 'text/plain;q=1, application/json;q=0')->{status}, 406,
    'the list is JSON';

for my $path ($URL, "$URL/$id", '/tlsrpt/domains/example.com/senders') {
    my $answer = $t->post($path, 'x' x 100_000);
    is $answer->{status}, 405, "POST $path";
    is $answer->{headers}{allow}, 'GET, HEAD', 'what is allowed';
}

is $t->get("$URL/$id?from=" . today())->{status}, 400, 'one takes no days';

for (['unknown=1', 'unknown'], ['limit=0', 'limit'], ['limit=501', 'limit'],
    ['limit=x', 'limit'], ['limit=', 'limit'], ['limit=-1', 'limit'],
    ['limit=1&limit=1', 'limit'], ['cursor=', 'cursor'], ['cursor=x', 'cursor'],
    ['cursor=20260101-0', 'cursor'], ['cursor=1.' . $id, 'cursor'],
    ["cursor=-$id", 'cursor'], ["cursor=${id}0", 'cursor'],
    ['failures=all', 'failures'], ['failures=', 'failures'],
    ['from=x', 'from'], ['from=2026-01-02&to=2026-01-01', 'from'],
    ['result-type=x', 'result-type'], ['by=day', 'by'])
{
    my ($query, $name) = @$_;
    my $answer = $t->get("$URL?$query");

    is $answer->{status}, 400, "?$query";
    is $answer->{json}{path}, $name, 'the parameter is named';
}

for my $query ('limit=1', 'limit=500', 'failures=only', 'from=' . today(),
    "cursor=$id", 'organization-name=', 'organization-name=x')
{
    is $t->get("$URL?$query")->{status}, 200, "?$query";
}

is $t->get("/tlsrpt/domains/example.com/senders?limit=1")->{status}, 400,
    'senders have no pages';


# What there is not

for my $path ("$URL/x", "$URL/" . '0' x 300, "$URL/20260101-0-01234567",
    "$URL/20260230-0-01234567", "$URL/$id" =~ s/-0-/-00-/r,
    "$URL/$id" =~ s/-0-/-1-/r, "$URL/" . uc $id, "$URL/$id/x",
    "$URL/\%00x" =~ s/%00/%01/r, "/tlsrpt/domains/example.net/reports/$id",
    "/tlsrpt/domains/unknown.example/reports",
    "/tlsrpt/domains/unknown.example/reports/$id",
    "/tlsrpt/domains/unknown.example/senders",
    "/com/domains/example.net/reports", "/com/domains/example.net/senders",
    "/com/domains/example.net/reports/$id")
{
    is $t->get($path)->{status}, 404, 'GET ' . substr $path, 0, 60;
}

is $t->get("/com/domains/example.com/reports/$id")->{status}, 200,
    'in scope';


# Filters

my $name = 'organization-name=Zweite+GmbH+%26+S%C3%B6hne+%22%3Cb%3E%22';
is_deeply [map { $_->{'report-id'} } @{ reports($name)->{reports} }],
    ['second'], 'by organization-name';
is scalar(@{ reports('failures=only')->{reports} }), 2, 'with failures only';
is scalar(@{ reports("failures=only&$name")->{reports} }), 0, 'both';
is scalar(@{ reports('from=' . day(-2) . '&to=' . day(-2))->{reports} }), 1,
    'of a day';
is scalar(@{ reports('from=' . today())->{reports} }), 0, 'of today';


# A report of several domains

my $several = report('report-id' => 'several',
    'organization-name' => 'Several');
push @{ $several->{policies} },
    report(domain => 'example.net')->{policies}[0];
$several->{policies}[1]{'failure-details'}[0]{'failed-session-count'} = '3';
$several = encode_json($several);
post($several);

my %of;
for my $domain ('example.com', 'example.net') {
    my $list = reports('organization-name=Several',
                       "/tlsrpt/domains/$domain/reports")->{reports};
    $of{$domain} = "domains/$domain/reports/$list->[0]{id}";

    my $json = $t->get("/tlsrpt/$of{$domain}")->{json};
    is_deeply [map { $_->{'policy-domain'} } @{ $json->{policies} }],
        [$domain], "the policies of $domain";
    unlike form("/tlsrpt/$of{$domain}", 'text/plain')->{body},
        $domain eq 'example.com' ? qr/example\.net/ : qr/example\.com/,
        'and nothing of the other';
}

is scalar(@{ $t->get("/tlsrpt/$of{'example.net'}")->{json}{warnings} }), 1,
    'a warning of its policy';
is_deeply $t->get("/tlsrpt/$of{'example.com'}")->{json}{warnings}, [],
    'not told of the other';
for my $base ('/tlsrpt', '/com') {
    my $cut = form("$base/$of{'example.com'}", 'application/tlsrpt+json');
    is $cut->{status}, 200, "what the original says of it, $base";
    unlike $cut->{body}, qr/example\.net/, 'and nothing of the other';
    is_deeply [map { $_->{policy}{'policy-domain'} }
               @{ decode_json($cut->{body})->{policies} }], ['example.com'],
        'its policy';
}

ok $t->get("/tlsrpt/$of{'example.com'}")->{json}{cut}, 'marked as cut';
ok !exists $t->get("$URL/$id")->{json}{cut}, 'a whole one is not';

is $t->get("/com/$of{'example.com'}")->{status}, 200, 'the rest is shown';
is $t->get("/com/$of{'example.net'}")->{status}, 404, 'the other is not';


# Pages: over days, and within one; each report once

my $LIST = '/tlsrpt/domains/page.example/reports';

for my $day (-1, -2, -9) {
    for my $n (1 .. 20) {
        post(encode_json(report(domain => 'page.example', day => day($day),
            'report-id' => "$day/$n", 'organization-name' => "Org $n")));
    }
}

my @all = map { $_->{id} } @{ reports('limit=500', $LIST)->{reports} };
is scalar(@all), 60, 'all on one page';
is reports('limit=60', $LIST)->{next}, undef, 'exactly one page';
is scalar(@{ reports('', $LIST)->{reports} }), 50, 'the usual page';
is_deeply [map { substr $_, 0, 8 } @all],
    [map { (day($_) =~ s/-//gr) x 20 } -1, -2, -9], 'newest day first';

for my $limit (1, 7, 19, 20, 21, 59) {
    my (@ids, $next);
    my $pages = 0;

    do {
        my $page = reports("limit=$limit"
            . (defined $next ? "&cursor=$next" : ''), $LIST);
        push @ids, map { $_->{id} } @{ $page->{reports} };
        $next = $page->{next};
        $pages++;
    } while (defined $next && $pages < 100);

    is_deeply \@ids, \@all, "limit=$limit: each once, in order";
    is $pages, int((60 + $limit - 1) / $limit), 'no empty page';
}

my $next = reports('limit=30', $LIST)->{next};
post(encode_json(report(domain => 'page.example', 'report-id' => 'new')));
is_deeply [map { $_->{id} } @{ reports("cursor=$next", $LIST)->{reports} }],
    [@all[30 .. 59]], 'what comes later does not move the next page';
is_deeply reports("cursor=$next&from=" . today(), $LIST)->{reports}, [],
    'a cursor out of range';


# Senders

my $bad = report(domain => 'xn--bcher-kva.example', 'report-id' => 'bad',
    'organization-name' => 'Sloppy');
$bad->{policies}[0]{summary}{'total-failure-session-count'} = '3';
post(encode_json($bad));
$bad->{'report-id'} = 'bad again';
$bad->{'date-range'}{"$_-datetime"} =~ s/^[\d-]+/day(-3)/e for qw(start end);
post(encode_json($bad));
post(encode_json(report(domain => 'xn--bcher-kva.example')));

$answer = $t->get('/tlsrpt/domains/b%C3%BCcher.example/senders');
my @senders = @{ $answer->{json}{senders} };

is $answer->{status}, 200, 'senders';
is_deeply [map { $_->{'organization-name'} } @senders],
    ['Sloppy', 'Example Sender'], 'most reports first';

my %sloppy = %{ $senders[0] };
my $median = delete $sloppy{'median-delay-seconds'};
my $longest = delete $sloppy{'max-delay-seconds'};
cmp_ok $median, '<=', $longest, 'median and longest delay';
cmp_ok $longest, '>=', 2 * 86400, 'days late';
my ($deviation) = @{ delete $sloppy{deviations} };
is_deeply \%sloppy, { 'organization-name' => 'Sloppy', reports => 2,
    'first-report' => day(-3), 'last-report' => day(-1), via => ['https'],
    'signed-by' => [] }, 'its members';
is $deviation->{reports}, 2, 'a deviation, of both reports';
is $deviation->{path}, 'policies[].summary.total-failure-session-count',
    'where';
like $deviation->{section}, qr/^RFC 8460/, 'of what';
cmp_ok length $deviation->{message}, '>', 5, 'which';
is_deeply $senders[1]{deviations}, [], 'another has none';
is scalar(@{ $t->get('/tlsrpt/domains/xn--bcher-kva.example/senders?from='
    . day(-1))->{json}{senders} }), 2, 'from';


# A report that came by mail: as rspamd would have kept it

my $mailed = 'tlsrpt:{xn--bcher-kva.example}:' . day(-3) . ':kept';
my $signer = 'mail.sloppy.example';
my ($entry) = $t->redis('LINDEX', $mailed, 1);
ok $entry =~ s/^(.{5}\x01)\0((?:[\x80-\xff]*[\0-\x7f]){3})
               /$1\x41$2\x13$signer/sx, 'the entry'
    or diag unpack 'H*', $entry;
$t->redis('LSET', $mailed, 1, $entry);

my $OLD = '/tlsrpt/domains/xn--bcher-kva.example/reports';
my ($by_mail) = @{ reports('via=mail', $OLD)->{reports} };
is_deeply [@$by_mail{qw(via signed-by)}], ['mail', 'mail.sloppy.example'],
    'by mail, and who signed it';
is scalar(@{ reports('via=https', $OLD)->{reports} }), 2, 'via';
like form("$OLD/$by_mail->{id}", 'text/plain')->{body},
    qr/^Came by: +mail\nSigned by: +mail\.sloppy\.example$/m, 'on the page';
like form("$OLD/$by_mail->{id}", 'application/tlsrpt+json')
    ->{headers}{'content-disposition'}, qr/"mail\.sloppy\.example!xn--bcher/,
    'in the name of the file';
($answer) = grep { $_->{'organization-name'} eq 'Sloppy' }
    @{ $t->get('/tlsrpt/domains/xn--bcher-kva.example/senders')
         ->{json}{senders} };
is_deeply [@$answer{qw(via signed-by)}],
    [['https', 'mail'], ['mail.sloppy.example']], 'of the sender';


# What Redis does not keep, or keeps broken

my ($list_key) = map { "tlsrpt:{example.com}:$_:kept" } day(-1);
my $kept = $t->redis('LINDEX', $list_key, 1);
is $t->get("$URL/$id")->{status}, 200, 'the report';

my $other = $kept =~ s/.\z/chr(255 ^ ord $&)/ser;
$t->redis('LSET', $list_key, 1, $other);
$answer = $t->get("$URL/$id");
is $answer->{status}, 404, 'another in its place';
like $answer->{json}{detail}, qr/not kept/, 'it says so';

$t->redis('LSET', $list_key, 1, substr $kept, 0, -40);
my @broken = @{ reports()->{reports} };
ok !(grep { $_->{id} =~ /^\Q${\ substr $id, 0, 10}\E/ } @broken),
    'one that cannot be read back is passed over';

for my $bytes ('', 'x', "\0" x 7, "\0" x 5 . "\2" . substr($kept, 6)) {
    $t->redis('LSET', $list_key, 1, $bytes);
    is scalar(@{ reports('from=' . day(-1))->{reports} }), 2,
        'what is no entry, too';
}
$t->redis('LSET', $list_key, 1, $kept);
is scalar(@{ reports('from=' . day(-1))->{reports} }), 3, 'as it was';
$t->redis('DEL', $list_key);
is $t->get("$URL/$id")->{status}, 404, 'gone';

($list_key) = map { "tlsrpt:{example.com}:$_:kept" } day(-2);
$t->redis('DEL', $list_key);
$t->redis('SET', $list_key, 'x');
is $t->get($URL)->{status}, 503, 'a key of another type';
$t->redis('DEL', $list_key);

# Before this version reports were kept as a hash of another name: that is left
# alone until it expires, and disturbs nobody.

$t->redis('HSET', "tlsrpt:{example.com}:${\ day(-1)}:reports", 'x', '{}');
is $t->get($URL)->{status}, 200, 'beside a list of before';
is $t->get('/tlsrpt/domains/example.com/problems')->{status}, 200,
    'and its problems';
is post(JSON::PP->new->encode(report('report-id' => 'beside')))->{status}, 201,
    'and one more is taken';

$t->stop_redis;
TLSRPT::FakeRedis::refuse($t->redis_socket);
is $t->get($_)->{status}, 503, "$_ without Redis"
    for $URL, "$URL/$id", '/tlsrpt/domains/example.com/senders';

done_testing;

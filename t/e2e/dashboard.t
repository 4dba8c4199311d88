#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The dashboard: how it is served, and dashboard.js driving it in Chromium.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Browser;
use TLSRPT::Story;
use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
    tlsrpt_domain example.org;
    tlsrpt_domain hostile.example;
    tlsrpt_domain quiet.example;
    tlsrpt_domain xn--mller-kva.example;
    tlsrpt_report_uri https://tlsrpt.example.com/v1/tlsrpt;
    mta_sts_policy example.com mode=enforce max_age=14d
                   mx=mx1.example.com mx=mx2.example.com;
    mta_sts_policy example.net mode=testing max_age=1d mx=*.mx.example.net;
    mta_sts_policy example.org mode=enforce max_age=7d mx=mail.example.org
                   mx=backup.example.org;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /changing/ { tlsrpt_stats admin=/admin/; }
        location /admin/ { tlsrpt_admin; }
        location /bare { tlsrpt_stats; }
        location /denied/ { tlsrpt_stats; }
        location /denied/domains { deny all; }
        location /one/ { tlsrpt_stats; tlsrpt_scope example.com; }
END

my $BASE = 'http://127.0.0.1:' . $t->port . '/tlsrpt/';


# How it is served

my $index = $t->get('/tlsrpt/');

is $index->{status}, 200, 'BASE/';
is $index->{headers}{'content-type'}, 'text/html; charset=utf-8', 'is HTML';
is $index->{headers}{'cache-control'}, 'no-cache', 'asked for anew';
is $index->{headers}{'x-content-type-options'}, 'nosniff', 'not guessed at';
is $index->{headers}{'referrer-policy'}, 'no-referrer', 'tells no referrer';
is $index->{headers}{'content-security-policy'}, "default-src 'none'; "
    . "script-src 'self'; style-src 'self'; img-src 'self' data:; "
    . "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    . "frame-ancestors 'none'", 'and lets nothing foreign run';
unlike $index->{body}, qr{https?://|\bstyle=|<style|<script>|%%},
    'no outside address, nothing inline';
(my $version = $t->read_file("$top/VERSION")) =~ s/\n//;
like $index->{body}, qr{<footer>tlsrpt \Q$version\E</footer>},
    'its foot has the version';

my @assets = map { "/tlsrpt/$_" } $index->{body} =~ /"(assets\/[^"]+)"/g;
cmp_ok scalar @assets, '>', 4, 'it names its assets';

my ($dir) = $assets[0] =~ m{(.*)/};
my %size = (index => gzipped('/tlsrpt/'));

for my $file (glob "$top/ngx_tlsrpt_module/dashboard/*.{js,css,svg}") {
    my ($name) = $file =~ m{([^/]+)$};
    next if $name eq 'index.html';

    my $plain = $t->get("$dir/$name");
    is $plain->{status}, 200, $name;
    like $plain->{headers}{'content-type'},
        qr{^(?:text/javascript|text/css|image/svg)}, "$name: its type";
    like $plain->{headers}{'cache-control'}, qr/immutable/, "$name: is kept";
    is $plain->{headers}{'content-encoding'}, undef, "$name: as it is";
    $size{$name} = gzipped("$dir/$name", $plain->{body});
}

my $total = 0;
$total += $_ for values %size;
cmp_ok $total, '<', 100_000, "less than 100 kB in all: $total";

# The length of the gzip answer, which must hold the same.
sub gzipped {
    my ($path, $plain) = @_;

    my $answer = $t->get($path, headers => ['Accept-Encoding' => 'gzip, br']);
    is $answer->{headers}{'content-encoding'}, 'gzip', "$path: gzip";
    require IO::Uncompress::Gunzip;
    IO::Uncompress::Gunzip::gunzip(\$answer->{body}, \my $text);
    is $text, defined $plain ? $plain : $t->get($path)->{body},
        "$path: the same";

    return length $answer->{body};
}

my $etag = $index->{headers}{etag};
like $etag, qr/^"[0-9a-f]{16}"$/, 'an entity tag';
is $t->get('/tlsrpt/', headers => ['If-None-Match' => $etag])->{status}, 304,
    'spares the second time';
is $t->get('/tlsrpt/', headers => ['If-None-Match' => $etag,
                                   'Accept-Encoding' => 'gzip'])->{status},
    200, 'but not for another encoding';
is $t->request('HEAD', '/tlsrpt/')->{headers}{'content-length'},
    length $index->{body}, 'HEAD';
is $t->post('/tlsrpt/', 'x')->{status}, 405, 'POST';
is $t->get('/tlsrpt/assets/0123456789abcdef/main.js')->{status}, 404,
    'assets of another version';
is $t->get("$dir/../../")->{status}, 200, 'dots are for nginx';

for my $path ('/tlsrpt', '/bare') {
    my $answer = $t->get($path);
    is $answer->{status}, 301, "$path, without the slash";
    like $answer->{headers}{location}, qr{\Q$path\E/$}, 'goes there';
}

is $t->get('/bare/')->{status}, 200, 'a location without a slash';


# In a browser

my $MARKUP = '<img src=x onerror="window.ran=1;alert(1)">';

sub hostile {
    my $report = report(domain => 'hostile.example');

    $report->{'organization-name'} = "$MARKUP of a sender";
    $report->{$_} = $MARKUP for qw(contact-info report-id);
    $report->{policies}[0]{policy}{'policy-string'} = [$MARKUP, $MARKUP];
    $report->{policies}[0]{policy}{'mx-host'} = [$MARKUP];
    $report->{policies}[0]{'failure-details'} = [{
        'result-type' => $MARKUP, 'sending-mta-ip' => $MARKUP,
        'receiving-mx-hostname' => $MARKUP, 'receiving-mx-helo' => $MARKUP,
        'receiving-ip' => $MARKUP, 'additional-information' => $MARKUP,
        'failure-reason-code' => $MARKUP, 'failed-session-count' => 3,
    }];

    return $report;
}

# One for the reader alone, with something to explain.
sub unseen {
    my $report = report(domain => 'example.com',
                        'organization-name' => 'Gale Post');
    $report->{policies}[0]{'failure-details'}[0]{'result-type'}
        = 'tlsa-invalid';

    return $report;
}

my $stored = 0;
for my $report (TLSRPT::Story::reports(), hostile()) {
    $stored++ if $t->post('/v1/tlsrpt', encode_json($report))->{status} == 201;
}
is $stored, 1081, 'the reports are stored';

# what is open is worked out a little later
my $open = 0;
for (1 .. 300) {
    $open = @{ $t->get('/tlsrpt/problems')->{json}{problems} // [] };
    last if $open >= 2;
    select undef, undef, undef, 0.1;
}
cmp_ok $open, '>=', 2, 'problems are open';

my $red = $TLSRPT::Story::EXPIRED[0] + 1;
my $story = encode_json({ red => $red, reports => 6, hostile => hostile(),
                          report => unseen(), version => $version });

my $port = TLSRPT::Server::free_port();
my $alone = servers(http => "tlsrpt_redis 127.0.0.1:$port;\n"
                            . 'tlsrpt_domain example.com;',
                    server => 'location /tlsrpt/ { tlsrpt_stats; }');

my $many = servers(redis => 1, http => "tlsrpt_redis %%REDIS%%;\n"
    . join('', map { 'tlsrpt_domain d' . $_
        . ($_ < 1000 ? ".a.example;\n" : ".b.example;\n") } 1 .. 10_000),
    server => 'location /tlsrpt/ { tlsrpt_stats; tlsrpt_scope .a.example; }
               location /all/ { tlsrpt_stats; }');

TLSRPT::Browser::browse($story, $t->dir, 'list,domain,problem,names,tools,reader,hostile,themes,languages,'
           . 'left,views', $BASE,
       alone => $BASE =~ s/tlsrpt/one/r,
       changing => $BASE =~ s/tlsrpt/changing/r,
       denied => $BASE =~ s/tlsrpt/denied/r,
       away => 'http://127.0.0.1:' . $alone->port . '/tlsrpt/',
       many => 'http://127.0.0.1:' . $many->port . '/tlsrpt/',
       more => 'http://127.0.0.1:' . $many->port . '/all/');

done_testing;

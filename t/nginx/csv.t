#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The lists as CSV: whole, not a page of them, and no cell a formula.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::State;
use TLSRPT::Test;

my $domains = join '', map { "    tlsrpt_domain $_;\n" }
    'example.com', map { "d$_.example.com" } 1 .. 250;

my $t = servers(redis => 1, http => <<'END' . $domains, server => <<'END');
    tlsrpt_redis %%REDIS%%;
    mta_sts_policy example.com mode=none max_age=1d;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /one/ { tlsrpt_stats; tlsrpt_scope d1.example.com; }
END

sub post {
    my $status = $t->post('/v1/tlsrpt', encode_json(report(@_)))->{status};
    $status == 201 or die $status;

    return;
}

sub csv {
    my ($path, $base) = @_;

    my $answer = $t->get(($base || '/tlsrpt') . "/$path",
                         headers => [Accept => 'text/csv']);
    is $answer->{status}, 200, "$path: 200";
    is $answer->{headers}{'content-type'}, 'text/csv; charset=utf-8', 'CSV';
    like $answer->{body}, qr/\A(?:[^\r\n]*\r\n)+\z/, 'lines end in CRLF';

    return split /\r\n/, $answer->{body};
}


# Domains: more than a page, and than lines that are at work at a time

post(domain => sprintf 'd%d.example.com', $_) for 1 .. 250;
put_open($t, 'd1.example.com', open_entry('certificate-expired', 'mx', 'high',
    'yes', title => '=1+1: mx'));
put_none($t, 'd2.example.com');

my @lines = csv('domains');
is shift @lines, 'domain,reports,total-successful-session-count,'
    . 'total-failure-session-count,last-report,status,problem-title,lost-mail,'
    . 'policy-mode', 'the columns';
is scalar @lines, 251, 'all domains, the configured one too';
is_deeply [map { /^"([^"]+)",/ } @lines],
    [sort map({ "d$_.example.com" } 1 .. 250), 'example.com'], 'by name';
like $lines[0], qr/^"d1\.example\.com",1,100,3,"[0-9TZ:-]+","failing",(?#
                   )"'=1\+1:\ mx","yes",$/x, 'a line';
is $lines[-1], '"example.com",0,0,0,,"waiting",,,"none"', 'one without reports';
is scalar(@{[csv('domains?limit=2&cursor=d3.example.com')]}), 252,
    'a page of them is all';
is_deeply [map { /^"([^"]+)"/ } csv('domains', '/one')], ['d1.example.com'],
    'but of the scope';
is_deeply [(csv('domains?from=2000-01-01&to=2000-01-02'))[1]],
    ['"d1.example.com",0,0,0,"' . ($lines[0] =~ /"([\dTZ:-]{20})"/)[0]
     . q(","failing","'=1+1: mx","yes",)], 'of a range, and how it is now';
is scalar(@{[csv('domains?status=failing&name=d1.ex')]}), 2, 'of a status';
is_deeply [map { /^"([^"]+)"/ } csv('domains?name=d24')],
    ['d24.example.com', map { "d24$_.example.com" } 0 .. 9], 'of a name';


# Reports: more than a page

post(domain => 'd1.example.com', 'report-id' => "r$_",
     day => day(-1 - $_ % 3)) for 1 .. 120;
post(domain => 'd1.example.com', 'report-id' => '=1+1;=2',
     'organization-name' => "x;=1+1\n,@ y");

my $URL = 'domains/d1.example.com/reports';

@lines = csv($URL);
is shift @lines, 'id,organization-name,report-id,start-datetime,end-datetime,'
    . 'received,via,signed-by,total-successful-session-count,'
    . 'total-failure-session-count,warnings,conflicts-with', 'the columns';
is scalar @lines, 122, 'all reports';
is_deeply [map { /^"(\d{8})-/ } @lines],
    [sort { $b cmp $a } map { /^"(\d{8})-/ } @lines], 'newest day first';
is scalar(grep { /,"'=1\+1;'=2",/ } @lines), 1, 'no id is a formula';
is scalar(grep { /,"x;'=1\+1,'@ y",/ } @lines), 1, 'no name either';
is scalar(@{[csv("$URL?limit=3")]}), 123, 'a page of them is all';
is scalar(@{[csv("$URL?organization-name=Nobody")]}), 1, 'filtered';


# Senders

my $two = report(domain => 'd1.example.com', 'report-id' => 'r1',
                 day => day(-2));
$two->{policies}[0]{summary}{'total-successful-session-count'} = 9;
is $t->post('/v1/tlsrpt', encode_json($two))->{status}, 201, 'a conflict';

@lines = csv('domains/d1.example.com/senders');
is_deeply \@lines, [
    'organization-name,reports,first-report,last-report,median-delay-seconds,'
    . 'max-delay-seconds,via,signed-by,deviations,conflicting-reports',
    grep({ /^"Example Sender",122,"[\d-]+","[\d-]+",\d+,\d+,"https",,,2$/ }
         @lines),
    grep({ /^"x;'=1\+1,'@ y",1,/ } @lines)], 'the senders';
is scalar @lines, 3, 'both of them';
like join("\n", csv($URL)), qr/,2?0,2?1$/m, 'how many a report conflicts with';

is $t->get('/tlsrpt/domains/nowhere.example/reports',
           headers => [Accept => 'text/csv'])->{status}, 404, 'no domain';

done_testing;

#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A report that has the id of another and says something else: both count, in
# whatever order they come, and each names the other.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

sub post {
    my ($report, $status) = @_;

    is $t->post('/v1/tlsrpt', encode_json($report))->{status}, $status,
        "posted: $status";

    return;
}

sub get { return $t->get("/tlsrpt/domains/$_[0]")->{json} }

# By id: whom each names.
sub named {
    return { map { my $report = $_;
                   $report->{id} => [map { $_->{id} }
                                     @{ $report->{'conflicts-with'} || [] }] }
             @{ $_[0] } };
}

sub true_report {
    my ($domain) = @_;

    return report(domain => $domain, 'report-id' => 'same');
}

sub forged {
    my $report = true_report(@_);

    $report->{policies}[0]{summary}{'total-successful-session-count'} = 7;

    return $report;
}

for my $forged_first (0, 1) {
    my $domain = "d$forged_first.example.com";
    my @reports = map { $_->($domain) }
        $forged_first ? (\&forged, \&true_report) : (\&true_report, \&forged);

    post($_, 201) for @reports;
    post($_, 200) for @reports;

    my $other = report(domain => $domain, 'report-id' => 'other');
    post($other, 201);

    is get($domain)->{'total-successful-session-count'}, 207,
        "$domain: both count, once";

    my @list = @{ get("$domain/reports")->{reports} };
    my ($alone) = grep { $_->{'report-id'} eq 'other' } @list;
    my @two = map { $_->{id} } grep { $_->{'report-id'} eq 'same' } @list;
    my $want = { $two[0] => [$two[1]], $two[1] => [$two[0]] };

    is scalar @two, 2, 'the list has both';
    is_deeply named(\@list), { %$want, $alone->{id} => [] },
        'and each names the other';
    ok !exists $alone->{'conflicts-with'}, 'a report alone names nobody';
    is_deeply $list[0]{'conflicts-with'} || $list[1]{'conflicts-with'},
        [{ id => $two[1], via => 'https', 'signed-by' => undef }],
        'how it came, and who signed it';

    my @pages;
    my $page = { next => '' };
    while (defined $page->{next}) {
        $page = get("$domain/reports?limit=1"
                    . ($page->{next} && "&cursor=$page->{next}"));
        push @pages, @{ $page->{reports} };
    }
    is_deeply named(\@pages), { %$want, $alone->{id} => [] },
        'on pages of one too';

    my ($sender) = @{ get("$domain/senders")->{senders} };
    is_deeply named($sender->{'conflicting-reports'}), $want, 'the senders';

    my $problems = get("$domain/problems");
    is_deeply named($problems->{'conflicting-reports'}), $want,
        'the problems';
    is $problems->{'conflicting-reports'}[0]{'report-id'}, 'same', 'by name';

    for my $id (@two) {
        my ($name) = grep { $_ ne $id } @two;
        my $document = get("$domain/reports/$id");

        is_deeply $document->{'conflicts-with'},
            [{ id => $name, via => 'https', 'signed-by' => undef }],
            'the document';
        like $t->get("/tlsrpt/domains/$domain/reports/$id",
                     headers => [Accept => 'text/plain'])->{body},
            qr/^Conflicts with: +\Q$name\E\n +by HTTPS\n +signed by: +nobody$/m,
            'and as text';
    }

    ok !exists get("$domain/reports/$alone->{id}")->{'conflicts-with'},
        'the document of the one alone';
}


# What shares less is no conflict.

post(report(domain => 'e.example.com', %$_), 201)
    for {}, { 'organization-name' => 'Other' }, { day => day(-3) };
post(do { my $r = report(domain => 'e.example.com'); delete $r->{'report-id'};
          $r->{'contact-info'} = "a$_\@sender.example"; $r }, 201) for 1, 2;

is_deeply get('e.example.com/problems')->{'conflicting-reports'}, [],
    'another sender, another day, no id';
is_deeply [grep { $_->{'conflicts-with'} }
           @{ get('e.example.com/reports')->{reports} }], [], 'in the list too';

done_testing;

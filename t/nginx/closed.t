# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Months that are long over are packed by nginx: after a report, after metrics
# or statistics were read; what a viewer sees stays the same, what comes again is
# known, what comes late is counted, and a report past the retention is not
# shown.

use strict;
use warnings;

use POSIX qw(strftime);
use TLSRPT::Made;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $D = 'example.com';

# A month that is over for longer than a week, whatever day it is.
my ($year, $month) = (gmtime(time - 70 * 86400))[5, 4];
my $MONTH = sprintf '%d-%02d', $year + 1900, $month + 1;
my $CLOSED = "tlsrpt:{$D}:$MONTH:closed";

sub soon { return TLSRPT::Server::wait_until(20, $_[0]) }

sub collect {
    my ($report) = @_;

    return $t->post('/v1/tlsrpt', encode_json($report))->{status};
}

sub field { return $t->redis('HGET', "tlsrpt:{$D}", "o:$MONTH") }

# Every resource that looks at days.
sub seen {
    my %seen = map {
        my $path = $_ eq '' ? 'domains' : "domains/$D$_";
        my $sign = $path =~ /\?/ ? '&' : '?';
        ($_ => $t->get("/tlsrpt/$path${sign}from=$MONTH-01")->{json});
    } '', '?by=day', '?by=organization-name', '?by=result-type,sending-mta-ip',
      '/senders', '/problems';

    return \%seen;
}


# What there is, closed bit by bit

my $made = TLSRPT::Made->new(seed => 4, domain => $D, reports => 8);
my %sums;
my @reports = map { $made->day("$MONTH-$_") } '02' .. '25';
TLSRPT::Made::reckon(\%sums, $_) for @reports;

is collect(shift @reports), 201, 'a report of a month that is over';
ok soon(sub { $t->redis('EXISTS', $CLOSED) }), 'closes it';
ok soon(sub { !defined field() }), 'whole';
is_deeply [sort @{ $t->redis('KEYS', "tlsrpt:{$D}*-??") }], [],
    'nothing else is left of it';
is scalar(grep { collect($_) != 201 } @reports), 0, 'others come late';
ok field() > time / 86400, 'which is not closed yet';
my $seen = seen();
is_deeply TLSRPT::Made::groups($seen->{'?by=day'}, 'day'), $sums{days},
    'what is read are both';

$t->redis('HSET', "tlsrpt:{$D}", "o:$MONTH", 1);
is $t->get('/tlsrpt/metrics')->{status}, 200, 'metrics are read';
ok soon(sub { !defined field() }), 'and the rest is closed';
is_deeply [sort @{ $t->redis('KEYS', "tlsrpt:{$D}*-??") }], [],
    'nothing else is left of it';
is_deeply seen(), $seen, 'what is read is the same';
is scalar(grep { collect($_) != 200 } @reports), 0, 'all are known again';
is_deeply seen(), $seen, 'which changes nothing';

my ($late) = $made->day("$MONTH-03");
is collect($late), 201, 'one more';
$t->redis('HSET', "tlsrpt:{$D}", "o:$MONTH", 1);
is $t->get("/tlsrpt/domains/$D?from=$MONTH-01")->{json}{reports},
    $sums{all}[0] + 1, 'is counted';
ok soon(sub { !defined field() }),
    'and closed, as somebody looked';
is $t->get("/tlsrpt/domains/$D?from=$MONTH-01")->{json}{reports},
    $sums{all}[0] + 1, 'and counted yet';


# A Redis user who may not

collect(($made->day("$MONTH-04"))[0]);
$t->redis('HSET', "tlsrpt:{$D}", "o:$MONTH", 1);
$t->redis('ACL', 'SETUSER', 'default', '-hdel');
is $t->get('/tlsrpt/metrics')->{status}, 200, 'metrics are read as ever';
ok soon(sub { $t->error_log =~ /run (?:this|the .hdel.) command/ }),
    'the log tells';
ok defined field(), 'nothing is closed';
$t->redis('ACL', 'SETUSER', 'default', '+hdel');
is $t->get('/tlsrpt/metrics')->{status}, 200, 'once the user may';
ok soon(sub { !defined field() }), 'it is';


# Past the retention: what another configuration has stored is not shown

my $all = $t->get("/tlsrpt/domains/$D?from=$MONTH-01")->{json}{reports};
ok $all > 0, 'there are reports';
my $conf = $t->read_file('nginx.conf');
$conf =~ s/(tlsrpt_domain example.com;)/$1 tlsrpt_retention 20d reports=20d;/;
$t->write_file('nginx.conf', $conf);
$t->reload;
for my $path ("domains/$D?", "domains/$D?by=day&", "domains/$D/reports?",
              "domains/$D/senders?")
{
    my $json = $t->get("/tlsrpt/${path}from=$MONTH-01")->{json};
    my ($list) = grep { ref } @$json{qw(groups reports senders)};
    ok !@{ $list || [] }, "$path: nothing is shown";
}
is $t->get("/tlsrpt/domains/$D?from=$MONTH-01")->{json}{reports}, 0,
    'nor counted';
is $t->get("/tlsrpt/domains?from=$MONTH-01")->{json}{domains}[0]{reports}, 0,
    'nor in the list';

done_testing;

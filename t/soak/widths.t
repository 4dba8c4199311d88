# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# No view of the dashboard scrolls sideways: at six widths, with ROUNDS=40 or
# more at every 40 pixels from 360 to 1920.
#
#     ROUNDS=40 prove -It/lib t/soak/widths.t

use strict;
use warnings;
use utf8;

use TLSRPT::Browser;
use TLSRPT::Story;
use TLSRPT::Test;

my $DAYS = 12;
my $LONG = join '.', ('a' x 63) x 3, 'example';

my $t = servers(redis => 1, http => <<"END", server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
    tlsrpt_domain example.org;
    tlsrpt_domain quiet.example;
    tlsrpt_domain $LONG;
    tlsrpt_report_uri https://tlsrpt.example.com/v1/tlsrpt;
    mta_sts_policy example.com mode=enforce max_age=14d
                   mx=mx1.example.com mx=mx2.example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

# Senders with long names: without a blank, from right to left, of capitals.
sub long {
    my ($name) = @_;

    my $report = report(domain => $LONG, 'organization-name' => $name,
                        'report-id' => "of $name");
    my $detail = $report->{policies}[0]{'failure-details'}[0];

    $detail->{'receiving-mx-hostname'} = "mx.$LONG";
    $detail->{'failure-reason-code'} = $name;

    return $report;
}

my @reports = ((grep { substr($_->{'report-id'}, 0, 10) ge day(-$DAYS) }
                TLSRPT::Story::reports()),
               map { long($_) } 'W' x 255, 'مؤسسة البريد ' x 12,
               "\x{202e}\x{5d0}\x{5d1}" x 60, 'Z' . "\x{300}" x 120);

for my $report (@reports) {
    my $status = $t->post('/v1/tlsrpt', encode_json($report))->{status};
    $status == 201 or die "not stored: $status";
}
ok TLSRPT::Server::wait_until(30, sub {
    return @{ $t->get('/tlsrpt/problems')->{json}{problems} // [] } >= 2;
}), 'problems are open';

TLSRPT::Browser::browse(
    encode_json({ long => $LONG, every => ($ENV{ROUNDS} || 0) >= 40 ? 1 : 0 }),
    $t->dir, widths => 'http://127.0.0.1:' . $t->port . '/tlsrpt/');

done_testing;

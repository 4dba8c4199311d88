# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What goes wrong with a policy host is found by the check before any report.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Incident;

# Another certificate of the policy host.
sub certificate {
    my (%args) = @_;

    return sub {
        my ($site, $world) = @_;
        $site->{host}{made} = $world->ca->issue("$site->{name}-other",
            names => [$site->{host}{name}], %args);
    };
}

# As a location of the policy host has it.
sub inside {
    my ($text) = @_;

    return sub { $_[0]{host}{inside} = $text =~ s/DOMAIN/$_[0]{name}/gr };
}

incidents(
    'who is no browser is refused' => {
        type => 'sts-policy-fetch-error', says => ['mta-sts\.DOMAIN', '403',
                                                   '[Bb]rowser|User-Agent'],
        break => inside('if ($http_user_agent !~ Mozilla) { return 403; }'),
    },
    'a redirect' => {
        type => 'sts-policy-fetch-error',
        says => ['mta-sts\.DOMAIN', 'redirect'],
        break => inside('return 301 https://www.DOMAIN/mta-sts.txt;'),
    },
    'a page in place of the policy' => {
        type => 'sts-policy-fetch-error',
        says => ['mta-sts\.DOMAIN', 'text/html', 'text/plain'],
        break => inside(
            'default_type text/html; return 200 "<!doctype html>Welcome!";'),
    },
    'an expired certificate' => {
        type => 'sts-webpki-invalid',
        says => ['mta-sts\.DOMAIN', 'expired'],
        break => certificate(days => 2.5, begins => -30),
    },
    'the intermediate certificate is missing' => {
        type => 'sts-webpki-invalid',
        says => ['mta-sts\.DOMAIN', 'intermediate|chain'],
        break => certificate(alone => 1),
    },
    'the certificate of another name' => {
        type => 'sts-webpki-invalid',
        says => ['mta-sts\.DOMAIN', 'www\.other\.example'],
        break => certificate(names => ['www.other.example']),
    },
    'IPv6 leads nowhere' => {
        type => 'sts-policy-fetch-error', ipv6 => 1,
        says => ['mta-sts\.DOMAIN', '::1|IPv6|AAAA'],
        break => sub { $_[0]{host}{ipv6} = 0 },
    },
    'the host is gone' => {
        type => 'sts-policy-fetch-error',
        says => ['mta-sts\.DOMAIN', 'address'],
        break => sub { $_[0]{records}{'mta-sts'} = [] },
    },
);

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What goes wrong with mail servers is found by the check before any report.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Incident;

# Another certificate of the first mail server.
sub certificate {
    my (%args) = @_;

    return sub {
        my ($site, $world) = @_;
        my $mx = $site->{mx}[0];
        $mx->{made} = $world->ca->issue("$mx->{host}-other",
            names => [$mx->{host}], %args);
    };
}

incidents(
    'STARTTLS is off' => {
        type => 'starttls-not-supported', lost => 'Perhaps',
        says => ['mx1\.DOMAIN', 'STARTTLS'],
        break => sub { $_[0]{mx}[0]{starttls} = 0 },
    },
    'TLSA of the key before' => {
        type => 'tlsa-invalid', signed => 1, lost => 'Perhaps',
        says => ['mx1\.DOMAIN', '_25\._tcp\.mx1\.DOMAIN', 'TLSA'],
        prepare => sub {
            my ($site) = @_;
            $site->{records}{'_25._tcp.mx1'} = [
                "TLSA $site->{mx}[0]{made}{tlsa}"];
        },
        break => certificate(),
    },
    'an expired certificate' => {
        type => 'certificate-expired', lost => 'Perhaps',
        says => ['mx1\.DOMAIN', 'expired'],
        break => certificate(days => 2.5, begins => -30),
    },
    'the intermediate certificate is missing' => {
        type => 'certificate-not-trusted', lost => 'Perhaps',
        says => ['mx1\.DOMAIN', 'intermediate|chain'],
        break => certificate(alone => 1),
    },
    'the certificate of another name' => {
        type => 'certificate-host-mismatch', lost => 'Perhaps',
        says => ['mx1\.DOMAIN', 'mail\.other\.example'],
        break => certificate(names => ['mail.other.example']),
    },
    'a certificate ends in a few days' => {
        type => 'certificate-expiring', lost => 'No',
        says => ['mx1\.DOMAIN', 'days|20\d\d-\d\d-\d\d'],
        break => certificate(days => 9, begins => -81),
    },
);

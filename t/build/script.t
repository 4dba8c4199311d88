# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# tools/script-to-c: the C text is the script without its comments, and the
# SHA-1 is the one Redis gives it.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $t = servers(nginx => 0, redis => 1);

my $lua = $t->write_file('small.lua', <<'END');
-- A comment

local text = 'a "quoted\n" line' -- and one behind
    -- another
if KEYS then
    return text
end
END

my $c = `$top/tools/script-to-c ingest $lua`;
my ($literals) = $c =~ /text\[\] =\n(.*?);\n\n/s;
my $script = join '', $literals =~ /"((?:[^"\\]|\\.)*)"/g;
$script =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;

is $script, <<'END', 'comments and indentation are gone';
local text = 'a "quoted\n" line' -- and one behind
if KEYS then
return text
end
END

my ($sha1) = $c =~ /, "([0-9a-f]{40})"/;
is $t->redis('SCRIPT', 'LOAD', $script), $sha1, 'Redis names it so';
is $t->redis('EVALSHA', $sha1, 0), "a \"quoted\n\" line", 'and runs it';

done_testing;

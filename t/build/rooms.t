# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The order of the folders, as CONTRIBUTING.md's table of shared/ and its map of
# the nginx module give it, is the order of the code: what a folder includes or
# calls is above it there.  No folder of the core, and no object of the nginx
# module, is part of a circle.  What a file offers is declared where one looks
# for it.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $MODULE = 'ngx_tlsrpt_module';

sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;

    return scalar <$fh>;
}


# What is looked at

# The folders of the table "in `shared/`", from the top; those of the map of the
# nginx module; and those of which the text says that they "do not know of each
# other".
sub order_of {
    my ($text) = @_;

    my ($table) = $text =~ /^\| in `shared\/` \| is \|\n\|.*\n((?:\|.*\n)+)/m
        or return;
    my %strangers;

    while ($text =~ m{`(\w+)/`\s+and\s+`(\w+)/`
                      \s+do\s+not\s+know\s+of\s+each\s+other}gx) {
        $strangers{$1}{$2} = $strangers{$2}{$1} = 1;
    }

    return ([$table =~ /^\| `(\w+)\/` /mg],
            [$text =~ m{^    \Q$MODULE\E/(\w+)/$}mg], \%strangers);
}

# Folder -> folders that its files include from.  A header of none, shared/x.h,
# is looked through: what it includes is included by whoever includes it.
sub includes_of {
    my (%text) = @_;                        # by path below shared/

    my %path = map { m{([^/]+)$} ? ($1 => $_) : () } keys %text;
    my %includes;

    for my $file (grep { m{/} } sort keys %text) {
        my ($folder) = $file =~ m{^(\w+)/};
        my @left = $file;
        my %done;

        while (defined(my $from = shift @left)) {
            for my $name ($text{$from} =~ /^\s*#\s*include\s+"([^"]+)"/mg) {
                my $path = $path{$name} or next;
                next if $done{$path}++;
                if ($path =~ m{^(\w+)/}) {
                    push @{ $includes{$folder}{$1} }, "$file: $name";
                } else {
                    push @left, $path;
                }
            }
        }
    }

    return \%includes;
}

# Object -> what it defines (functions and data) and what it uses, by nm.
sub symbols_of {
    my (@objects) = @_;

    my %symbols;

    for my $object (@objects) {
        for (`nm $object`) {
            my ($kind, $name) = /([A-Za-z]) (\S+)$/ or next;
            push @{ $symbols{$object}{$kind} }, $name;
        }
    }

    return \%symbols;
}

# Object -> objects that it uses, but for the symbols left out.
sub arrows_of {
    my ($symbols, %without) = @_;

    my (%home, %arrows);

    for my $object (keys %$symbols) {
        $home{$_} = $object
            for map { @{ $symbols->{$object}{$_} || [] } } qw(T D B R C);
    }

    for my $object (keys %$symbols) {
        for my $name (@{ $symbols->{$object}{U} || [] }) {
            my $home = $home{$name};
            next if !$home || $home eq $object || $without{$name};
            push @{ $arrows{$object}{$home} }, $name;
        }
    }

    return \%arrows;
}


# Folder -> folders that it calls, of those in the one given.
sub between {
    my ($calls, $top) = @_;

    my %between;

    for my $from (keys %$calls) {
        my ($folder) = $from =~ m{^\Q$top\E/(\w+)/} or next;
        for my $to (keys %{ $calls->{$from} }) {
            my ($other) = $to =~ m{^\Q$top\E/(\w+)/} or next;
            push @{ $between{$folder}{$other} }, @{ $calls->{$from}{$to} }
                if $other ne $folder;
        }
    }

    return \%between;
}


# What is wrong with it: a list, empty where nothing is

sub against_order {
    my ($arrows, $order, $strangers) = @_;

    my %rank = map { $order->[$_] => $_ } 0 .. $#$order;
    my @wrong;

    for my $from (sort keys %$arrows) {
        for my $to (grep { $_ ne $from } sort keys %{ $arrows->{$from} }) {
            my $why = join ', ', @{ $arrows->{$from}{$to} };
            push @wrong, "$from/ -> $to/ ($why)"
                if !defined $rank{$from} || !defined $rank{$to}
                || $rank{$from} < $rank{$to} || $strangers->{$from}{$to};
        }
    }

    return @wrong;
}

# A way from something back to itself; the shortest there is of each.
sub circles {
    my ($arrows) = @_;

    my @wrong;

    for my $start (sort keys %$arrows) {
        my @ways = ([$start]);
        my %been;

        while (my $way = shift @ways) {
            for my $to (sort keys %{ $arrows->{ $way->[-1] } || {} }) {
                if ($to eq $start) {
                    push @wrong, join ' -> ', @$way, $to;
                    @ways = ();
                    last;
                }
                push @ways, [@$way, $to] unless $been{$to}++;
            }
        }
    }

    return @wrong;
}

# Functions that no header declares of those a reader would open: the one of the
# file's name, or another of its folder.
sub undeclared {
    my ($functions, $headers) = @_;         # by path: names; texts

    my @wrong;

    for my $file (sort keys %$functions) {
        my ($folder) = $file =~ m{^(.*)/};
        my $text = join '', map { $headers->{$_} }
            grep { m{^\Q$folder\E/[^/]+$} } keys %$headers;
        push @wrong, map { "$file: $_" }
            grep { $text !~ /\b\Q$_\E\(/ } @{ $functions->{$file} };
    }

    return @wrong;
}

sub is_none {
    my ($name, @wrong) = @_;

    return is join("\n", @wrong), '', $name;
}


# These notice what they are for

{
    my ($order, $module, $strangers) = order_of(<<"END");
| in \`shared/\` | is |
|---|---|
| \`low/\` | the first |
| \`left/\` | next |
| \`right/\` | beside it |
| \`high/\` | the last |

\`left/\` and
\`right/\` do not know of each other.

    $MODULE/
      x       of no folder

    $MODULE/floor/
      y       a file

    $MODULE/roof/
END
    is "@$order", 'low left right high', 'the order is read';
    is "@$module", 'floor roof', 'that of the module, too';

    my %text = (
        'low/a.h' => '', 'left/b.h' => "#include \"a.h\"\n",
        'right/c.c' => "#include <b.h>\n", 'high/d.c' => "#include \"b.h\"\n",
        'all.h' => "#include \"a.h\"\n", 'right/e.c' => "#include \"all.h\"\n",
    );
    my $wrong = sub {
        return join '; ', against_order(includes_of(%text, @_), $order,
                                        $strangers);
    };
    is $wrong->(), '', 'a house in order';
    is $wrong->('low/x.c' => "# include \"b.h\"\n"),
        'low/ -> left/ (low/x.c: b.h)', 'one that includes from below';
    is $wrong->('right/x.c' => "#include \"b.h\"\n"),
        'right/ -> left/ (right/x.c: b.h)', 'one that includes a stranger';
    is $wrong->('all.h' => "#include \"b.h\"\n"),
        'right/ -> left/ (right/e.c: b.h)', 'by way of a header of no folder';
    is $wrong->('cellar/x.c' => "#include \"a.h\"\n"),
        'cellar/ -> low/ (cellar/x.c: a.h)', 'a folder that is in no table';

    my $arrows = { a => { b => [] }, b => { c => [], d => [] },
                   d => { a => [] }, e => { a => [] } };
    is join('; ', circles($arrows)),
        'a -> b -> d -> a; b -> d -> a -> b; d -> a -> b -> d', 'a circle';
    delete $arrows->{d};
    is_none 'and no circle', circles($arrows);

    my $symbols = { x => { T => ['f'], D => ['id'], U => ['g'] },
                    y => { T => ['g'], U => ['id', 'strlen'] } };
    is join('; ', circles(arrows_of($symbols))),
        'x -> y -> x; y -> x -> y', 'a circle of symbols';
    is_none 'but for one left out', circles(arrows_of($symbols, id => 1));

    is join('; ', undeclared({ 'a/x.c' => ['f', 'g'], 'b/y.c' => ['h'] },
        { 'a/x.h' => 'int f(void);', 'a/z.h' => 'int gg(void);',
          'b/z.h' => 'void *h(int);' })),
        'a/x.c: g', 'a function that is declared nowhere near';
}


# The core

my ($order, $module_order, $strangers)
    = order_of(slurp("$top/CONTRIBUTING.md"));
ok $order, 'CONTRIBUTING.md has the table of shared/' or $order = [];

my @core = glob "$top/shared/*/*.[ch] $top/shared/*.[ch]";
my %text = map { m{shared/(.*)} ? ($1 => slurp($_)) : () } @core;
my %folder = map { m{^(\w+)/} ? ($1 => 1) : () } keys %text;

is_deeply [sort @$order], [sort keys %folder],
    'which has each of its folders';

my $includes = includes_of(%text);
is_none 'no folder includes from one below it',
    against_order($includes, $order, $strangers);

# By symbols, too: a prototype may be anywhere.
my %object;
for my $path (map { glob "$top/$_" } 'shared/*/*.c', "$MODULE/*.c",
              "$MODULE/*/*.c") {
    my ($source, $folder, $name) = $path =~ m{^\Q$top\E/(.*?(\w+)/(\w+)\.c)$};
    $object{$source} = "$top/build/nginx/addon/$folder/$name.o";
}

is_none 'each source has its object', grep { !-e } values %object;

my $symbols = symbols_of(values %object);
my %name = reverse %object;
$symbols = { map { $name{$_} => $symbols->{$_} } keys %$symbols };

my $calls = arrows_of($symbols, ngx_http_tlsrpt_module => 1,
                      ngx_http_mta_sts_module => 1);

is_none 'the core calls nothing else',
    map { my $from = $_; map { "$from: $_" } grep { !m{^shared/} }
          keys %{ $calls->{$from} } }
    grep { m{^shared/} } keys %$calls;

my $between = between($calls, 'shared');

is_none 'no folder calls one below it',
    against_order($between, $order, $strangers);
is_none 'no circle of folders', circles($between);
cmp_ok scalar(map { keys %$_ } values %$between), '>', 5,
    'and there are calls between folders';


# The module

my %module = map { $_ => $calls->{$_} } grep { m{^$MODULE/} } keys %$calls;
is_none 'no circle of objects of the nginx module', circles(\%module);

my $rooms = between($calls, $MODULE);
is_none 'no folder of it calls one below it',
    against_order($rooms, $module_order, $strangers);
cmp_ok scalar(map { keys %$_ } values %$rooms), '>', 5,
    'and there are calls between them';


# Both

my %functions = map { $_ => $symbols->{$_}{T} || [] } keys %$symbols;
my %headers = map { m{^\Q$top\E/(.*)$} ? ($1 => slurp($_)) : () }
    map { glob "$top/$_" } 'shared/*/*.h', "$MODULE/*.h", "$MODULE/*/*.h";
is_none 'what a file offers is declared in its folder',
    undeclared(\%functions, \%headers);

done_testing;

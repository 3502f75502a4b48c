set encoding utf8
set datafile separator comma
set datafile missing ''
set border 3 lc rgb '#555555'
set tics nomirror out textcolor rgb '#222222'
set grid back lt 1 lw 0.6 lc rgb '#dddddd'
set linetype 1 lc rgb '#0072B2' lw 2 pt 7 ps 0.8
set linetype 2 lc rgb '#D55E00' lw 2 pt 7 ps 0.8
set linetype 3 lc rgb '#009E73' lw 2 pt 7 ps 0.8
set linetype 4 lc rgb '#CC79A7' lw 2 pt 7 ps 0.8
set linetype 5 lc rgb '#E69F00' lw 2 pt 7 ps 0.8
set linetype 6 lc rgb '#56B4E9' lw 2 pt 7 ps 0.8
set linetype 7 lc rgb '#000000' lw 2 pt 7 ps 0.8
set linetype 8 lc rgb '#7F7F7F' lw 2 pt 7 ps 0.8
set multiplot
set xlabel 'false-positive rate'
set ylabel 'true-positive rate'
set size square
set lmargin at screen 0.07
set rmargin at screen 0.36
set bmargin at screen 0.15
set tmargin at screen 0.88
set xrange [0:1]
set yrange [0:1]
set samples 200
set title 'entropy'
plot 'roc-models.csv' skip 1 using ($1 == 0 ? ($3 < 0 ? 0 : $3) : NaN):($5 < 0 ? 0 : $5):6 with filledcurves lt 1 fs transparent solid 0.15 noborder notitle, \
  'roc-models.csv' skip 1 using ($1 == 1 ? ($3 < 0 ? 0 : $3) : NaN):($5 < 0 ? 0 : $5):6 with filledcurves lt 2 fs transparent solid 0.15 noborder notitle, \
  'roc-models.csv' skip 1 using ($1 == 0 ? $3 : NaN):4 with lines lt 1 lw 2 notitle, \
  'roc-models.csv' skip 1 using ($1 == 1 ? $3 : NaN):4 with lines lt 2 lw 2 notitle, \
  x with lines lc rgb '#999999' dt 2 lw 1.2 notitle
set lmargin at screen 0.44
set rmargin at screen 0.73
set logscale xy
set xrange [0.0001:1]
set yrange [0.0001:1]
set format xy '%g'
set title 'the same, logarithmic'
set key at screen 0.745,0.88 left top Left reverse samplen 1.6 spacing 1.3 title 'AUC against retrained' left
plot 'roc-models.csv' skip 1 using ($1 == 0 ? ($3 < 0.0001 ? 0.0001 : $3) : NaN):($5 < 0.0001 ? 0.0001 : $5):6 with filledcurves lt 1 fs transparent solid 0.15 noborder notitle, \
  'roc-models.csv' skip 1 using ($1 == 1 ? ($3 < 0.0001 ? 0.0001 : $3) : NaN):($5 < 0.0001 ? 0.0001 : $5):6 with filledcurves lt 2 fs transparent solid 0.15 noborder notitle, \
  'roc-models.csv' skip 1 using ($1 == 0 ? $3 : NaN):4 with lines lt 1 lw 2 title '0.195  unlearned', \
  'roc-models.csv' skip 1 using ($1 == 1 ? $3 : NaN):4 with lines lt 2 lw 2 title '0.675  original', \
  x with lines lc rgb '#999999' dt 2 lw 1.2 title 'chance'
unset multiplot

/* style.h - how the page looks: light and dark, wide and narrow, on a screen and on paper. */
#ifndef ASSAY_EVAL_REPORT_STYLE_H
#define ASSAY_EVAL_REPORT_STYLE_H

const char *report_style(void);

#endif
